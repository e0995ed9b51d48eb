-- Closes a job's delivery to a target of which no chunk has come, so that none is taken any more:
-- the producer has stayed away too long.
--
-- args
--   2    job id
--   3    items that were announced
--   4    ms to keep the closed delivery
-- returns 1 if nothing had come (also if it was closed or cancelled before); 0: some of its items
--         have come, and the delivery ends by them
-- bound O(1)

return function(ctx, args)
  local part = Keys.job(ctx, args[2])
  local items = redis.call('HGET', part, 'items')
  if items and items ~= '0' then return 0 end
  if not items then
    redis.call('HSET', part, 'state', 'cancelled', 'abandoned', args[3], 'items', 0, 'enqueued', 0, 'succeeded', 0,
      'failed', 0, 'cancelled', 0)
    redis.call('PEXPIRE', part, Text.int(tonumber(args[4])))
  end
  return 1
end
