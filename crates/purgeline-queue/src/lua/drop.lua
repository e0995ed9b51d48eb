-- Drops dead letters. What they tell of stays failed.
--
-- args
--   2…   letter ids
-- returns how many there were
-- bound O(letters)

return function(ctx, args)
  local dropped = {}
  for at = 2, #args do
    if redis.call('ZREM', ctx.dead, args[at]) == 1 then
      Letters.remove(ctx, args[at])
      dropped[#dropped + 1] = args[at]
    end
  end
  if #dropped > 0 then
    redis.call('HINCRBY', ctx.stats, 'dead_dropped', #dropped)
    redis.call('XADD', ctx.outbox, '*', 'what', 'dead_dropped', 'dead', table.concat(dropped, ' '), 'at', Text.int(ctx.now))
  end
  return #dropped
end
