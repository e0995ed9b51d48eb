-- How a job leaves what waits.

local Cancelling = {}

function Cancelling.of_job(entry, job)
  return (entry == job or string.sub(entry, 1, #job + 1) == job .. '!') and 1 or 0
end

-- A record's jobs without this one, and how often it waited there.
function Cancelling.without(jobs, job)
  local kept, items = {}, 0
  for entry in string.gmatch(jobs, '[^,]+') do
    local its = Cancelling.of_job(entry, job)
    items = items + its
    if its == 0 then kept[#kept + 1] = entry end
  end
  return table.concat(kept, ','), items
end

-- Records of a hash: what waits, or what waits for the end of its embargo.
function Cancelling.records(ctx, word) return word == 'embargoed' and ctx.embargoed or ctx.pending end

-- Takes a record away if no job waits for it, nor a rebound; gives whether.
function Cancelling.remove_alone(ctx, records, name, text)
  local record = Record.parse(text)
  if not Record.is_alone(record) or string.sub(record.cause, 1, 7) == 'rebound' then return false end
  if records == ctx.embargoed then
    redis.call('HDEL', ctx.embargoed, name)
    redis.call('ZREM', ctx.embargoes, name)
  else
    Pending.remove(ctx, name, record)
  end
  return true
end

-- Counts items of a job as cancelled; gives the state of its part.
function Cancelling.count(ctx, job, items, keep_succeeded, keep_failed)
  if items > 0 then
    redis.call('HINCRBY', ctx.stats, 'items_cancelled', items)
    local more = { succeeded = 0, failed = 0, expired = 0, cancelled = items, dead = {} }
    if Counts.add_to_part(ctx, job, more, keep_succeeded, keep_failed) then redis.call('HINCRBY', ctx.stats, 'jobs_ended', 1) end
  end
  -- Whoever walks is alive.
  redis.call('ZADD', ctx.cancelling, 'XX', Text.int(ctx.now), job)
  return redis.call('HGET', Keys.job(ctx, job), 'state') or ''
end

return Cancelling
