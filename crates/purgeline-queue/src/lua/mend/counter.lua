-- Corrects a counter that was counted while nothing moved: no counter is other than when the
-- counting began.
--
-- args
--   2    counter
--   3    what it is
--   then all counters as they were: name, value
-- returns 1; 0 if something moved
-- bound O(counters)

return function(ctx, args)
  if redis.call('HLEN', ctx.stats) * 2 ~= #args - 3 then return 0 end
  for at = 4, #args, 2 do
    if redis.call('HGET', ctx.stats, args[at]) ~= args[at + 1] then return 0 end
  end
  redis.call('HSET', ctx.stats, args[2], args[3])
  return 1
end
