-- Puts the items of a leased batch back to the front of their lanes: for a worker that stops
-- before it has sent them.
--
-- ARGV  2 batch id    3 worker
-- returns items put back; 0 if the lease was lost meanwhile
-- bound O(items of the batch)

local state = call('HMGET', T .. ':batch:' .. ARGV[2], 'state', 'worker')
if state[1] ~= 'leased' or state[2] ~= ARGV[3] then return 0 end
local count = put_batch_back(ARGV[2], '', 0)
call('PUBLISH', T .. ':wake', 'given back')
return count
