-- Sets when open batches are next asked about.
--
-- args
--   2    ms from now
--   then batch ids
-- returns batches put off
-- bound O(batches)

return function(ctx, args)
  local count = 0
  for at = 3, #args do
    count = count + redis.call('ZADD', ctx.polls, 'XX', 'CH', Text.int(ctx.now + tonumber(args[2])), args[at])
  end
  -- A poll that was to be the probe was not made, or its answer told nothing: another may be the probe.
  if count > 0 and redis.call('HGET', ctx.breaker, 'probe') == 'question' then
    redis.call('HDEL', ctx.breaker, 'probe', 'probe_until')
  end
  redis.call('PUBLISH', ctx.wake, 'polls')
  return count
end
