-- Takes an item out of a batch whose record there cannot be read. If its name can be, it waits
-- anew.
--
-- ARGV  2 batch    3 index    4 its text as it was seen    5 item, '' if that is lost    6 lane
--       then the waiting jobs that can be read
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

local batch, index, name = ARGV[2], ARGV[3], ARGV[5]
local key, list = T .. ':batch:' .. batch, T .. ':waiters:' .. batch .. ':' .. index
if call('HGET', key, index) ~= ARGV[4] then return 0 end
call('HDEL', key, index)
call('HINCRBY', key, 'open', -1)
if name ~= '' then
  let_go({ name }, batch)
  local entries = {}
  for at = 7, #ARGV do entries[#entries + 1] = ARGV[at] end
  if #entries > 0 or call('EXISTS', list) == 1 or call('HEXISTS', PENDING, name) == 1 then
    put_anew(name, ARGV[6], entries, list, 0)
  end
end
return 1
