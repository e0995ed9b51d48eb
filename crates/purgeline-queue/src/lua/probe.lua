-- Has an open breaker probe at once: somebody has mended what was wrong.
--
-- returns the name of its hold; '' if it is closed
-- bound O(1)

return function(ctx, args)
  local till, open = Breaker.next_probe(ctx)
  if not till then return '' end
  local hold = redis.call('HGET', ctx.hold, open)
  if hold then redis.call('HSET', ctx.hold, open, (string.gsub(hold, '^until=%d+', 'until=' .. Text.int(ctx.now)))) end
  redis.call('PUBLISH', ctx.wake, 'released')
  return open
end
