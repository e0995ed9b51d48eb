-- Lifts a hold.
--
-- args
--   2    name: paused, or a kind
--   3    by whom
-- returns 1; 0 if there was none
-- bound O(1)

return function(ctx, args)
  local lifted = redis.call('HDEL', ctx.hold, args[2])
  if lifted == 1 then
    redis.call('XADD', ctx.outbox, '*', 'what', 'released', 'name', args[2], 'by', args[3], 'at', Text.int(ctx.now))
    redis.call('PUBLISH', ctx.wake, 'released')
  end
  return lifted
end
