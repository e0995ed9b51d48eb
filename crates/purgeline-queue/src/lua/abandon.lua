-- Closes the part of one job whose producer died before it had enqueued all of its chunks: the
-- part ends with the items that it got, and a producer that comes back after all is refused.
--
-- args
--   2    ms after which a producer counts as dead
--   3    ms to keep parts that succeeded
--   4    ms to keep other parts
-- returns {job id, items enqueued, items announced}; {} if there is none
-- bound 100 jobs of which nothing is left

return function(ctx, args)
  for _ = 1, 100 do
    local job = redis.call('ZRANGEBYSCORE', ctx.submitting, '-inf', Text.int(ctx.now - tonumber(args[2])), 'LIMIT', 0, 1)[1]
    if not job then return {} end
    local part = Keys.job(ctx, job)
    redis.call('ZREM', ctx.submitting, job)
    local counts = redis.call('HMGET', part, 'enqueued', 'items')
    -- Else somebody has deleted it.
    if counts[1] then
      redis.call('HINCRBY', ctx.stats, 'announced', counts[1] - counts[2])
      redis.call('HSET', part, 'items', counts[1], 'abandoned', counts[2])
      if Counts.add_to_part(ctx, job, { succeeded = 0, failed = 0, expired = 0, dead = {} }, tonumber(args[3]), tonumber(args[4])) then
        redis.call('HINCRBY', ctx.stats, 'jobs_ended', 1)
      end
      return { job, counts[1], counts[2] }
    end
  end
  return {}
end
