-- Begins to cancel a job's part: chunks that come later are refused, and what was announced and
-- has not come counts as cancelled. What waits is then taken out by cancel_pending.lua and
-- cancel_waiters.lua; the job stays in T:cancelling until the part has ended.
--
-- args
--   2    job id
--   3    why, for those who look
--   4    ms to keep parts that were cancelled
--   5    ms to keep other parts
-- returns active; ended (before this call, or by it); absent (nothing of it has come here, and nothing will)
-- bound O(1)

return function(ctx, args)
  local job, why, keep_succeeded, keep_failed = args[2], args[3], tonumber(args[4]), tonumber(args[5])
  local part = Keys.job(ctx, job)
  local state, items, enqueued = unpack(redis.call('HMGET', part, 'state', 'items', 'enqueued'))
  if not state or items == '0' then
    redis.call('HSET', part, 'state', 'cancelled', 'cancel', why, 'items', 0, 'enqueued', 0, 'succeeded', 0, 'failed', 0, 'cancelled', 0)
    redis.call('PEXPIRE', part, Text.int(keep_succeeded))
    return 'absent'
  end
  if state ~= 'active' then return 'ended' end
  redis.call('HSET', part, 'cancel', why, 'cancelling', Text.int(ctx.now))
  redis.call('ZADD', ctx.cancelling, Text.int(ctx.now), job)
  local missing = tonumber(items) - tonumber(enqueued)
  if missing > 0 then
    redis.call('HSET', part, 'enqueued', items)
    redis.call('HINCRBY', ctx.stats, 'announced', -missing)
    redis.call('ZREM', ctx.submitting, job)
  end
  redis.call('XADD', ctx.outbox, '*', 'what', 'job_cancelled', 'job', job, 'why', why, 'at', Text.int(ctx.now))
  return Cancelling.count(ctx, job, missing, keep_succeeded, keep_failed) == 'active' and 'active' or 'ended'
end
