-- How a job leaves what waits. Stands after lib.lua and counts.lua in the scripts of a cancel.

local function of_job(entry, job)
  return (entry == job or string.sub(entry, 1, #job + 1) == job .. '!') and 1 or 0
end

-- A record's jobs without this one, and how often it waited there.
local function without(jobs, job)
  local kept, items = {}, 0
  for entry in string.gmatch(jobs, '[^,]+') do
    local its = of_job(entry, job)
    items = items + its
    if its == 0 then kept[#kept + 1] = entry end
  end
  return table.concat(kept, ','), items
end

-- Records of a hash: what waits, or what waits for the end of its embargo.
local function records_of(word) return word == 'embargoed' and EMBARGOED or PENDING end

-- Takes a record away if no job waits for it, nor a rebound; gives whether.
local function drop_alone(records, name, text)
  local record = parse(text)
  if not is_alone(record) or string.sub(record.cause, 1, 7) == 'rebound' then return false end
  if records == EMBARGOED then
    call('HDEL', EMBARGOED, name)
    call('ZREM', EMBARGOES, name)
  else
    drop(name, record)
  end
  return true
end

-- Counts items of a job as cancelled; gives the state of its part.
local function count_cancelled(job, items, keep_succeeded, keep_failed)
  if items > 0 then
    call('HINCRBY', STATS, 'items_cancelled', items)
    local more = { succeeded = 0, failed = 0, expired = 0, cancelled = items, dead = {} }
    if add_to_part(job, more, keep_succeeded, keep_failed) then call('HINCRBY', STATS, 'jobs_ended', 1) end
  end
  -- Whoever walks is alive.
  call('ZADD', T .. ':cancelling', 'XX', int(NOW), job)
  return call('HGET', T .. ':job:' .. job, 'state') or ''
end
