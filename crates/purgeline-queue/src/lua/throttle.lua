-- The provider said to slow down: no worker calls any target of the account for a while.
--
-- args
--   2    ms from now
--   3    why (code)
--   4    message
-- returns 1; 0 if a longer throttle stands
-- bound O(1)

return function(ctx, args)
  local key, ms = ctx.throttled, tonumber(args[2])
  local old = redis.call('GET', key)
  if old and tonumber(string.match(old, '^until=(%d+)')) >= ctx.now + ms then return 0 end
  redis.call('SET', key, 'until=' .. Text.int(ctx.now + ms) .. ' since=' .. Text.int(ctx.now) .. ' why=' .. args[3] .. ' ' .. args[4], 'PX', Text.int(ms + 60000))
  redis.call('HINCRBY', ctx.stats, 'throttled', 1)
  return 1
end
