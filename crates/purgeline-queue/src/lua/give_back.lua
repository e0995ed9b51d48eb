-- Puts the items of a leased batch back to the front of their lanes: for a worker that stops
-- before it has sent them, or comes too late for its permits. The fleet has those again, unless
-- something of the batch has settled: that may have been sent. So has the day its quotas.
--
-- args
--   2    batch id
--   3    worker
-- returns items put back; 0 if the lease was lost meanwhile
-- bound O(items of the batch, permits in the windows)

return function(ctx, args)
  local state = redis.call('HMGET', Keys.batch(ctx, args[2]), 'state', 'worker', 'leased_at', 'permits', 'items', 'open')
  if state[1] ~= 'leased' or state[2] ~= args[3] then return 0 end
  if state[4] and state[5] == state[6] then
    for name, count in string.gmatch(state[4], '(%S+)=(%d+)') do Limits.give_back(ctx, name, state[3], count) end
  end
  Quota.unspent(ctx, args[2])
  local count = Batch.put_back(ctx, args[2], '', 0)
  redis.call('PUBLISH', ctx.wake, 'given back')
  return count
end
