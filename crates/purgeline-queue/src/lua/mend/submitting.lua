-- Has a part closed, if its producer stays away, that lacks items and was not known to.
--
-- args
--   2    job
-- returns 1; 0 if it lacks none, or is known to
-- bound O(log jobs)

return function(ctx, args)
  local part = Keys.job(ctx, args[2])
  local counts = redis.call('HMGET', part, 'state', 'enqueued', 'items')
  if counts[1] ~= 'active' or tonumber(counts[2]) >= tonumber(counts[3]) then return 0 end
  return redis.call('ZADD', ctx.submitting, 'NX', Text.int(ctx.now), args[2])
end
