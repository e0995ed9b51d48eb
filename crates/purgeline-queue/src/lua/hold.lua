-- Holds a target, or its items of one kind: nothing is sent, everything waits and coalesces.
-- A hold that is already there is kept if it lasts longer.
--
-- args
--   2    name: paused, or a kind
--   3    ms from now, 0: until it is lifted
--   4    why (code)
--   5    message
--   6    by whom
-- returns 1; 0 if a longer hold of that name stands
-- bound O(1)

return function(ctx, args)
  local old = redis.call('HGET', ctx.hold, args[2])
  local ms = tonumber(args[3])
  local till = ms > 0 and ctx.now + ms or 0
  if old then
    local old_till = tonumber(string.match(old, '^until=(%d+)'))
    if old_till == 0 or (till > 0 and old_till >= till) then return 0 end
  end
  redis.call('HSET', ctx.hold, args[2], 'until=' .. Text.int(till) .. ' since=' .. Text.int(ctx.now) .. ' by=' .. args[6] .. ' why=' .. args[4] .. ' ' .. args[5])
  redis.call('XADD', ctx.outbox, '*', 'what', 'held', 'name', args[2], 'by', args[6], 'why', args[4], 'message', args[5],
    'until', Text.int(till), 'at', Text.int(ctx.now))
  return 1
end
