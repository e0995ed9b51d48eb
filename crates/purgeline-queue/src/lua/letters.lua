-- How dead letters are read, and parts reopened. Stands after lib.lua and counts.lua.
--
-- A dead letter is retried under its old jobs, whose parts may have ended, and so may the jobs
-- themselves, in other slots. So that neither a crash nor a late word leaves a job that says it has
-- ended while items of it wait, or one that never ends:
--   1. reopen.lua   takes the parts that have ended down in T:reopening, and promises each its next round
--   2. reopen_job.lua, at each job: it is active again, and no end of an earlier round counts
--   3. retry.lua    puts the items back and makes the parts active, in the promised round
-- Whoever dies between 1 and 3 leaves T:reopening: repeat_ends.lua then says again how those parts
-- ended, in the promised round, and the jobs end as they had.

local REOPENING = T .. ':reopening'

-- A letter without a lane stands for items whose names are lost (mend/part.lua).
local function read_letter(id)
  local item, lane, code, jobs, more = unpack(call('HMGET', DEAD .. ':' .. id, 'item', 'lane', 'code', 'jobs', 'more_jobs'))
  if not item then return nil end
  local entries = {}
  for entry in string.gmatch(jobs, '[^,]+') do entries[#entries + 1] = entry end
  if more == '1' then
    for _, entry in ipairs(call('LRANGE', DEAD .. '-jobs:' .. id, 0, -1)) do entries[#entries + 1] = entry end
  end
  return { item = item, lane = lane, code = code, entries = entries, more = more == '1' }
end

local function entry_job(entry) return string.match(entry, '^[^!]+') end

-- A job's part as far as it matters here; nil if it is not kept any more.
local function read_part(job)
  local state, round, failed, dead, cancelling =
    unpack(call('HMGET', T .. ':job:' .. job, 'state', 'round', 'failed', 'dead', 'cancelling'))
  if not state then return nil end
  return { ended = state ~= 'active', round = tonumber(round or 0), failed = tonumber(failed), dead = dead or '',
    cancelling = cancelling }
end

-- A part that was to be reopened, and was not: how it ended is said again, in a new round.
local function repeat_end(job, keep_succeeded, keep_failed)
  call('ZREM', REOPENING, job)
  local part = T .. ':job:' .. job
  local state, items, succeeded, failed, cancelled, ended =
    unpack(call('HMGET', part, 'state', 'items', 'succeeded', 'failed', 'cancelled', 'ended'))
  if not state or state == 'active' then return end
  local round = call('HINCRBY', part, 'round', 1)
  call('PEXPIRE', part, keep_of(state, keep_succeeded, keep_failed))
  tell_ended(job, state, items, succeeded, failed, cancelled, round, ended)
end
