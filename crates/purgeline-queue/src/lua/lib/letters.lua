-- How dead letters are read, and parts reopened.
--
-- A dead letter is retried under its old jobs, whose parts may have ended, and so may the jobs
-- themselves, in other slots. So that neither a crash nor a late word leaves a job that says it has
-- ended while items of it wait, or one that never ends:
--   1. reopen.lua   takes the parts that have ended down in T:reopening, and promises each its next round
--   2. reopen_job.lua, at each job: it is active again, and no end of an earlier round counts
--   3. retry.lua    puts the items back and makes the parts active, in the promised round
-- Whoever dies between 1 and 3 leaves T:reopening: repeat_ends.lua then says again how those parts
-- ended, in the promised round, and the jobs end as they had.

local Letters = {}

-- Removes a dead letter with its jobs.
function Letters.remove(ctx, id) redis.call('DEL', ctx.dead .. ':' .. id, ctx.dead .. '-jobs:' .. id) end

-- Writes the dead letter of an item; the oldest make room when there are too many.
function Letters.write(ctx, id, item, batch, class, code, message, keep, most)
  local key = ctx.dead .. ':' .. id
  redis.call('HSET', key, 'item', item.name, 'lane', item.lane, 'class', class, 'code', code, 'message', message,
    'attempts', item.attempts + 1, 'jobs', item.jobs, 'more_jobs', item.spill, 'batch', batch,
    'since', item.since, 'failed_at', Text.int(ctx.now))
  redis.call('PEXPIRE', key, Text.int(keep))
  redis.call('ZADD', ctx.dead, Text.int(ctx.now), id)
  -- Two go for each that comes, so that a lowered bound is reached in time, a few at a time.
  redis.call('ZREMRANGEBYSCORE', ctx.dead, '-inf', Text.int(ctx.now - keep))
  local over = redis.call('ZCARD', ctx.dead) - most
  if over > 0 then
    local oldest = redis.call('ZRANGE', ctx.dead, 0, math.min(over, 2) - 1)
    for _, old in ipairs(oldest) do Letters.remove(ctx, old) end
    redis.call('ZREM', ctx.dead, unpack(oldest))
  end
  redis.call('XADD', ctx.outbox, '*', 'what', 'dead_letter', 'dead', id, 'item', item.name, 'code', code, 'at', Text.int(ctx.now))
end

-- A letter without a lane stands for items whose names are lost (mend/part.lua).
function Letters.read(ctx, id)
  local item, lane, code, jobs, more = unpack(redis.call('HMGET', ctx.dead .. ':' .. id, 'item', 'lane', 'code', 'jobs', 'more_jobs'))
  if not item then return nil end
  local entries = {}
  for entry in string.gmatch(jobs, '[^,]+') do entries[#entries + 1] = entry end
  if more == '1' then
    for _, entry in ipairs(redis.call('LRANGE', ctx.dead .. '-jobs:' .. id, 0, -1)) do entries[#entries + 1] = entry end
  end
  return { item = item, lane = lane, code = code, entries = entries, more = more == '1' }
end

function Letters.entry_job(entry) return string.match(entry, '^[^!]+') end

-- A job's part as far as it matters here; nil if it is not kept any more.
function Letters.read_part(ctx, job)
  local state, round, failed, dead, cancelling =
    unpack(redis.call('HMGET', Keys.job(ctx, job), 'state', 'round', 'failed', 'dead', 'cancelling'))
  if not state then return nil end
  return { ended = state ~= 'active', round = tonumber(round or 0), failed = tonumber(failed), dead = dead or '',
    cancelling = cancelling }
end

-- A part that was to be reopened, and was not: how it ended is said again, in a new round.
function Letters.repeat_end(ctx, job, keep_succeeded, keep_failed)
  redis.call('ZREM', ctx.reopening, job)
  local part = Keys.job(ctx, job)
  local state, items, succeeded, failed, cancelled, ended =
    unpack(redis.call('HMGET', part, 'state', 'items', 'succeeded', 'failed', 'cancelled', 'ended'))
  if not state or state == 'active' then return end
  local round = redis.call('HINCRBY', part, 'round', 1)
  redis.call('PEXPIRE', part, Counts.keep_of(state, keep_succeeded, keep_failed))
  Counts.tell_ended(ctx, job, state, items, succeeded, failed, cancelled, round, ended)
end

return Letters
