-- The provider has accepted items of a leased batch: from now on they are asked about, and hold
-- no worker.
--
-- args
--   2    batch id
--   3    worker
--   4    receipt
--   5    ms until the first question
-- returns 1, also if it was said before; 0 if the lease was lost meanwhile (the items are then sent
--         again elsewhere)
-- bound O(log batches)

return function(ctx, args)
  local batch, worker = args[2], args[3]
  local key = Keys.batch(ctx, batch)
  local state = redis.call('HMGET', key, 'state', 'worker', 'receipt')
  if state[1] == 'submitted' and state[2] == worker and state[3] == args[4] then return 1 end
  if state[1] ~= 'leased' or state[2] ~= worker then return 0 end
  redis.call('HSET', key, 'state', 'submitted', 'receipt', args[4], 'submitted_at', Text.int(ctx.now))
  Calls.task_begins(ctx, batch, ctx.now + tonumber(args[5]))
  Calls.returned(ctx, batch)
  return 1
end
