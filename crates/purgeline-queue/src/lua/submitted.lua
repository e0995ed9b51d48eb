-- The provider has accepted items of a leased batch: from now on they are asked about, and hold
-- no worker.
--
-- ARGV  2 batch id    3 worker    4 receipt    5 ms until the first question
-- returns 1, also if it was said before; 0 if the lease was lost meanwhile (the items are then sent
--         again elsewhere)
-- bound O(log batches)

local batch, worker = ARGV[2], ARGV[3]
local key = T .. ':batch:' .. batch
local state = call('HMGET', key, 'state', 'worker', 'receipt')
if state[1] == 'submitted' and state[2] == worker and state[3] == ARGV[4] then return 1 end
if state[1] ~= 'leased' or state[2] ~= worker then return 0 end
call('HSET', key, 'state', 'submitted', 'receipt', ARGV[4], 'submitted_at', int(NOW))
task_begins(batch, NOW + tonumber(ARGV[5]))
call_returned(batch)
return 1
