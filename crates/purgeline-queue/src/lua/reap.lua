-- Takes the items of one batch from a worker whose lease has run out, back to the front of their
-- lanes. What it sent may have arrived, so it counts as an attempt.
--
-- returns {batch id, worker, items}; {} if no lease has run out
-- bound O(items of the batch)

local batch = call('ZRANGEBYSCORE', LEASES, '-inf', int(NOW), 'LIMIT', 0, 1)[1]
if not batch then return {} end
local worker = call('HGET', T .. ':batch:' .. batch, 'worker') or ''
local count = put_batch_back(batch, 'lease-expired', 1)
call('HINCRBY', STATS, 'reaped', count)
call('PUBLISH', T .. ':wake', 'reaped')
return { batch, worker, count }
