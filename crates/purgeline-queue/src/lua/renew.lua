-- Keeps leases whose workers are alive.
--
-- args
--   2    worker
--   3    lease, ms
--   then batch ids
-- returns the ids whose lease was lost meanwhile
-- bound O(batches)

return function(ctx, args)
  local lost = {}
  for at = 4, #args do
    local state = redis.call('HMGET', Keys.batch(ctx, args[at]), 'state', 'worker')
    if state[1] == 'leased' and state[2] == args[2] then
      redis.call('ZADD', ctx.leases, 'XX', Text.int(ctx.now + tonumber(args[3])), args[at])
      redis.call('ZADD', ctx.in_flight, Text.int(ctx.now + tonumber(args[3])), Calls.of_account(ctx, args[at]))
    else
      lost[#lost + 1] = args[at]
    end
  end
  return lost
end
