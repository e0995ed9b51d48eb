-- Writes a pending record anew that cannot be read, or that is gone while a list of jobs waits for
-- its item.
--
-- ARGV  2 item    3 its text as it was seen, '' if there was none    4 lane    then waiting jobs
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

local name = ARGV[2]
if (call('HGET', PENDING, name) or '') ~= ARGV[3] then return 0 end
if ARGV[3] == '' and call('EXISTS', T .. ':waiters:' .. name) == 0 then return 0 end
if ARGV[3] ~= '' then
  call('HDEL', PENDING, name)
  if is_dir(name) then call('HINCRBY', STATS, 'dirs', -1) end
end
local entries = {}
for at = 5, #ARGV do entries[#entries + 1] = ARGV[at] end
put_anew(name, ARGV[4], entries, nil, 0)
return 1
