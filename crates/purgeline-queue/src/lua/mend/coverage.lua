-- Has the items of a coverage return to their lanes that nothing would end, and forgets a dir that is
-- said to have one and does not.
--
-- ARGV  2 coverage id    3 lane and 4 dir that are said to have it, '' if none are
-- returns 1; 0 if the dir waits in its lane and has it
-- bound O(1)

local id, lane, dir = ARGV[2], ARGV[3], ARGV[4]
local function has_it(name, in_lane)
  local text = call('HGET', PENDING, name)
  local its = text and string.match(text, '^lane=(%S+) .* due=0 ')
  return its and (not in_lane or its == in_lane) and call('HGET', T .. ':coverages', id) == name
    and call('HGET', T .. ':covering:' .. its, name) == id
end
if lane ~= '' then
  if has_it(dir, lane) or call('HGET', T .. ':covering:' .. lane, dir) ~= id then return 0 end
  return call('HDEL', T .. ':covering:' .. lane, dir)
end
local open = call('HGET', T .. ':coverages', id)
if open and has_it(open) then return 0 end
call('HDEL', T .. ':coverages', id)
Coverage.release(id)
return 1
