-- How outcomes reach the jobs. Stands after lib.lua in scripts that settle.

local function new_counts() return { succeeded = {}, failed = {}, dead = {}, items_succeeded = 0, items_failed = 0 } end

local function count_entry(counts, entry, outcome, dead)
  local job, weight = string.match(entry, '^(%w+)%*?(%d*)$')
  local of = outcome == 'done' and counts.succeeded or counts.failed
  of[job] = (of[job] or 0) + (tonumber(weight) or 1)
  if dead ~= '' then
    local list = counts.dead[job] or {}
    list[#list + 1] = dead
    counts.dead[job] = list
  end
end

local function count_record(counts, item, outcome, dead)
  local name = outcome == 'done' and 'items_succeeded' or 'items_failed'
  counts[name] = counts[name] + 1
  for entry in string.gmatch(item.jobs, '[^,]+') do count_entry(counts, entry, outcome, dead) end
end

-- Ends a job's part whose items have all settled, leaving word in the outbox.
local function end_part(job, part, keep_succeeded, keep_failed)
  local state, items, succeeded, failed, cancelled =
    unpack(call('HMGET', part, 'state', 'items', 'succeeded', 'failed', 'cancelled'))
  if state ~= 'active' then return false end
  items, succeeded, failed, cancelled = tonumber(items), tonumber(succeeded), tonumber(failed), tonumber(cancelled)
  if succeeded + failed + cancelled < items then return false end
  state = 'partial'
  if succeeded == items then state = 'succeeded' elseif succeeded == 0 then state = failed > 0 and 'failed' or 'cancelled' end
  call('HSET', part, 'state', state, 'ended', int(NOW))
  local keep = (state == 'succeeded' or state == 'cancelled') and keep_succeeded or keep_failed
  call('PEXPIRE', part, int(keep))
  call('HINCRBY', STATS, 'jobs_ended', 1)
  call('XADD', OUTBOX, '*', 'what', 'part_ended', 'job', job, 'state', state, 'items', items,
    'succeeded', succeeded, 'failed', failed, 'cancelled', cancelled, 'at', int(NOW))
  return true
end

-- At most this many dead letters are named in a job's part.
local DEAD_NAMED = 20

-- Adds what was counted to the parts of the jobs; gives 1 if a part has ended.
local function apply_counts(counts, keep_succeeded, keep_failed)
  local ended, touched = 0, {}
  for outcome, of in pairs({ succeeded = counts.succeeded, failed = counts.failed }) do
    for job, count in pairs(of) do
      local part = T .. ':job:' .. job
      if touched[job] or call('HEXISTS', part, 'items') == 1 then
        touched[job] = part
        call('HINCRBY', part, outcome, count)
      end
    end
  end
  for job, list in pairs(counts.dead) do
    local part = touched[job]
    if part then
      local named = call('HGET', part, 'dead') or ''
      local _, have = string.gsub(named, '%S+', '')
      for i = 1, math.min(#list, DEAD_NAMED - have) do named = named == '' and list[i] or named .. ' ' .. list[i] end
      call('HSET', part, 'dead', named)
    end
  end
  for job, part in pairs(touched) do
    if end_part(job, part, keep_succeeded, keep_failed) then ended = 1 end
  end
  if counts.items_succeeded > 0 then call('HINCRBY', STATS, 'succeeded', counts.items_succeeded) end
  if counts.items_failed > 0 then call('HINCRBY', STATS, 'failed', counts.items_failed) end
  return ended
end

-- Writes the dead letter of an item; the oldest make room when there are too many.
local function dead_letter(id, item, batch, class, code, message, keep, most)
  local key = DEAD .. ':' .. id
  call('HSET', key, 'item', item.name, 'class', class, 'code', code, 'message', message,
    'attempts', item.attempts + 1, 'jobs', item.jobs, 'more_jobs', item.spill, 'batch', batch,
    'since', item.since, 'failed_at', int(NOW))
  call('PEXPIRE', key, int(keep))
  call('ZADD', DEAD, int(NOW), id)
  -- Two go for each that comes, so that a lowered bound is reached in time, a few at a time.
  call('ZREMRANGEBYSCORE', DEAD, '-inf', int(NOW - keep))
  local over = call('ZCARD', DEAD) - most
  if over > 0 then
    local oldest = call('ZRANGE', DEAD, 0, math.min(over, 2) - 1)
    for _, old in ipairs(oldest) do call('DEL', DEAD .. ':' .. old) end
    call('ZREM', DEAD, unpack(oldest))
  end
  call('XADD', OUTBOX, '*', 'what', 'dead_letter', 'dead', id, 'item', item.name, 'code', code, 'at', int(NOW))
end
