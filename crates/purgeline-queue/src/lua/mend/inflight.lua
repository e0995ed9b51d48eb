-- Takes down that a batch does not hold an item, if it does not.
--
-- ARGV  2 item    3 batch
-- returns 1; 0 if it does hold it, or nothing says so
-- bound O(items of the batch)

local holders = call('HGET', INFLIGHT, ARGV[2])
if not holders or not string.find(',' .. holders .. ',', ',' .. ARGV[3] .. ',', 1, true) then return 0 end
local fields = call('HGETALL', T .. ':batch:' .. ARGV[3])
for at = 1, #fields, 2 do
  if string.find(fields[at], '^%d+$') and batch_item(fields[at + 1]).name == ARGV[2] then return 0 end
end
let_go({ ARGV[2] }, ARGV[3])
return 1
