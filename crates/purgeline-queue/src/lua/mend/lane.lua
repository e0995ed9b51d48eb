-- Ranks a lane that holds hints and is not looked at.
--
-- args
--   2    lane
-- returns 1; 0 if it is ranked or empty
-- bound O(log lanes)

return function(ctx, args)
  local first = redis.call('LINDEX', Keys.lane(ctx, args[2]), 0)
  if not first or redis.call('ZSCORE', ctx.lanes, args[2]) then return 0 end
  local text = redis.call('HGET', ctx.pending, first)
  redis.call('ZADD', ctx.lanes, 'NX', Names.rank(args[2], text and string.match(text, ' since=(%d+)') or ctx.now), args[2])
  redis.call('PUBLISH', ctx.wake, 'mended')
  return 1
end
