-- Takes the items of one batch from a worker whose lease has run out, back to the front of their
-- lanes. What it sent may have arrived, so it counts as an attempt.
--
-- returns {batch id, worker, items}; {} if no lease has run out
-- bound O(items of the batch)

return function(ctx, args)
  local batch = redis.call('ZRANGEBYSCORE', ctx.leases, '-inf', Text.int(ctx.now), 'LIMIT', 0, 1)[1]
  if not batch then return {} end
  local worker = redis.call('HGET', Keys.batch(ctx, batch), 'worker') or ''
  local count = Batch.put_back(ctx, batch, 'lease-expired', 1)
  redis.call('HINCRBY', ctx.stats, 'reaped', count)
  redis.call('PUBLISH', ctx.wake, 'reaped')
  return { batch, worker, count }
end
