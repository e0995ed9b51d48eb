-- How outcomes reach the jobs.

local Counts = {}

function Counts.new() return { jobs = {}, items_succeeded = 0, items_failed = 0 } end

-- What becomes of a waiting job's item, by the word for it.
local COUNTED_AS = { done = 'succeeded', failed = 'failed', expired = 'expired' }

-- One waiting job (an entry: id or id!expires). dead: the item's dead letter, '' if it succeeded.
function Counts.add_entry(counts, entry, outcome, dead)
  local job = entry
  local mark = string.find(entry, '!', 1, true)
  if mark then job = string.sub(entry, 1, mark - 1) end
  local of = counts.jobs[job]
  if not of then
    of = { succeeded = 0, failed = 0, expired = 0, dead = {} }
    counts.jobs[job] = of
  end
  local word = COUNTED_AS[outcome]
  of[word] = of[word] + 1
  if dead ~= '' then of.dead[#of.dead + 1] = dead end
end

-- All waiting jobs of a record, but those in its spilled list.
function Counts.add_jobs(counts, jobs, outcome, dead)
  local name = outcome == 'done' and 'items_succeeded' or 'items_failed'
  counts[name] = counts[name] + 1
  if not string.find(jobs, ',', 1, true) then return jobs ~= '' and Counts.add_entry(counts, jobs, outcome, dead) end
  for entry in string.gmatch(jobs, '[^,]+') do Counts.add_entry(counts, entry, outcome, dead) end
end

-- Leaves word that a part has ended, for its job. round: how often it was reopened; an end that
-- was reopened since is told apart by it.
function Counts.tell_ended(ctx, job, state, items, succeeded, failed, cancelled, round, at)
  redis.call('XADD', ctx.outbox, '*', 'what', 'part_ended', 'job', job, 'state', state, 'items', items,
    'succeeded', succeeded, 'failed', failed, 'cancelled', cancelled, 'round', round or '0', 'at', at)
end

function Counts.keep_of(state, keep_succeeded, keep_failed)
  return Text.int((state == 'succeeded' or state == 'cancelled') and keep_succeeded or keep_failed)
end

-- At most this many dead letters are named in a job's part.
local DEAD_NAMED = 20

local function name_dead(named, dead)
  local _, have = string.gsub(named, '%S+', '')
  for i = 1, math.min(#dead, DEAD_NAMED - have) do named = named == '' and dead[i] or named .. ' ' .. dead[i] end
  return named
end

-- Adds to a job's part; if all its items have settled then it ends, leaving word in the outbox.
-- Gives whether it ended now.
function Counts.add_to_part(ctx, job, more, keep_succeeded, keep_failed)
  local part = Keys.job(ctx, job)
  local state, items, succeeded, failed, cancelled, dead, round, cancelling = unpack(redis.call('HMGET', part,
    'state', 'items', 'succeeded', 'failed', 'cancelled', 'dead', 'round', 'cancelling'))
  if state ~= 'active' then return false end -- somebody has deleted it
  local more_cancelled = more.expired + (more.cancelled or 0)
  items, cancelled = tonumber(items), tonumber(cancelled) + more_cancelled
  succeeded, failed = tonumber(succeeded) + more.succeeded, tonumber(failed) + more.failed
  local fields = { 'succeeded', succeeded, 'failed', failed }
  if more_cancelled > 0 then
    fields[#fields + 1] = 'cancelled'
    fields[#fields + 1] = cancelled
  end
  if more.expired > 0 then
    redis.call('HINCRBY', part, 'expired', more.expired)
  end
  if #more.dead > 0 then
    fields[#fields + 1] = 'dead'
    fields[#fields + 1] = name_dead(dead or '', more.dead)
  end
  if succeeded + failed + cancelled < items then
    redis.call('HSET', part, unpack(fields))
    return false
  end
  state = 'partial'
  if succeeded == items then state = 'succeeded' elseif succeeded == 0 then state = failed > 0 and 'failed' or 'cancelled' end
  redis.call('HSET', part, 'state', state, 'ended', Text.int(ctx.now), unpack(fields))
  if cancelling then
    redis.call('HDEL', part, 'cancelling')
    redis.call('ZREM', ctx.cancelling, job)
  end
  redis.call('PEXPIRE', part, Counts.keep_of(state, keep_succeeded, keep_failed))
  Counts.tell_ended(ctx, job, state, items, succeeded, failed, cancelled, round, Text.int(ctx.now))
  return true
end

-- Adds what was counted to the parts of the jobs; gives 1 if a part has ended.
function Counts.apply(ctx, counts, keep_succeeded, keep_failed)
  local ended = 0
  for job, more in pairs(counts.jobs) do
    if Counts.add_to_part(ctx, job, more, keep_succeeded, keep_failed) then ended = ended + 1 end
  end
  if ended > 0 then redis.call('HINCRBY', ctx.stats, 'jobs_ended', ended) end
  if counts.items_succeeded > 0 then redis.call('HINCRBY', ctx.stats, 'succeeded', counts.items_succeeded) end
  if counts.items_failed > 0 then redis.call('HINCRBY', ctx.stats, 'failed', counts.items_failed) end
  return ended > 0 and 1 or 0
end

return Counts
