-- Begins to cancel a job's part: chunks that come later are refused, and what was announced and
-- has not come counts as cancelled. What waits is then taken out by cancel_pending.lua and
-- cancel_waiters.lua; the job stays in T:cancelling until the part has ended.
--
-- ARGV  2 job id    3 why, for those who look    4 ms to keep parts that were cancelled    5 ms to keep other parts
-- returns active; ended (before this call, or by it); absent (nothing of it has come here, and nothing will)
-- bound O(1)

local job, why, keep_succeeded, keep_failed = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local part = T .. ':job:' .. job
local state, items, enqueued = unpack(call('HMGET', part, 'state', 'items', 'enqueued'))
if not state or items == '0' then
  call('HSET', part, 'state', 'cancelled', 'cancel', why, 'items', 0, 'enqueued', 0, 'succeeded', 0, 'failed', 0, 'cancelled', 0)
  call('PEXPIRE', part, int(keep_succeeded))
  return 'absent'
end
if state ~= 'active' then return 'ended' end
call('HSET', part, 'cancel', why, 'cancelling', int(NOW))
call('ZADD', T .. ':cancelling', int(NOW), job)
local missing = tonumber(items) - tonumber(enqueued)
if missing > 0 then
  call('HSET', part, 'enqueued', items)
  call('HINCRBY', STATS, 'announced', -missing)
  call('ZREM', T .. ':submitting', job)
end
call('XADD', OUTBOX, '*', 'what', 'job_cancelled', 'job', job, 'why', why, 'at', int(NOW))
return count_cancelled(job, missing, keep_succeeded, keep_failed) == 'active' and 'active' or 'ended'
