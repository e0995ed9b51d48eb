-- The fleet's limits: exact sliding windows, shared by all targets of an account.
--
-- limit:<name>   list of permits in the window, oldest first: '<ms> <count>'
-- limit:used     hash: their sum, by name
-- limit:headroom  hash, while a slow worker needs more head room than is configured:
--   ms, the head room; till, until when permits are good by it; kept_till, until when windows are
--   kept by it, since calls with such permits may be under way
-- limit:throttled  string: until when no call may be made, and why; expires a while after

local Limits = {}

-- The head room by which windows are kept now, and that by which a permit is good, ms.
function Limits.headrooms(ctx, configured)
  local ms, till, kept_till = unpack(redis.call('HMGET', ctx.headroom, 'ms', 'till', 'kept_till'))
  if not ms or tonumber(kept_till) <= ctx.now then return configured, configured end
  local wide = math.max(tonumber(ms), configured)
  return wide, tonumber(till) > ctx.now and wide or configured
end

-- A rate's window as kept here: longer by the head room, since two calls that are granted so
-- far apart may arrive nearer to each other.
function Limits.span(rate, headroom) return rate.window_ms + headroom end

-- How many permits of a rate are free now. Forgets those that have left the window.
function Limits.free(ctx, rate, headroom)
  local key, used = Keys.window(ctx, rate.name), tonumber(redis.call('HGET', ctx.used, rate.name) or 0)
  local horizon = ctx.now - Limits.span(rate, headroom)
  local before = used
  while true do
    local oldest = redis.call('LRANGE', key, 0, 63)
    if #oldest == 0 then used = 0 end
    local gone = 0
    for _, entry in ipairs(oldest) do
      local ms, count = string.match(entry, '^(%d+) (%d+)$')
      if tonumber(ms) > horizon then break end
      gone, used = gone + 1, used - tonumber(count)
    end
    if gone > 0 then redis.call('LTRIM', key, gone, -1) end
    if gone < 64 then break end
  end
  if used ~= before then redis.call('HSET', ctx.used, rate.name, used) end
  return rate.max - used
end

-- When `need` permits of a rate will be free, ms; need is at most the rate's max.
function Limits.free_at(ctx, rate, headroom, need)
  local key = Keys.window(ctx, rate.name)
  local have = Limits.free(ctx, rate, headroom)
  local at = 0
  while have < need do
    local entries = redis.call('LRANGE', key, at, at + 63)
    if #entries == 0 then return ctx.now end
    for _, entry in ipairs(entries) do
      local ms, count = string.match(entry, '^(%d+) (%d+)$')
      have = have + tonumber(count)
      if have >= need then return tonumber(ms) + Limits.span(rate, headroom) + 1 end
    end
    at = at + 64
  end
  return ctx.now
end

function Limits.take(ctx, rate, headroom, count)
  if count == 0 then return end
  local key = Keys.window(ctx, rate.name)
  redis.call('RPUSH', key, Text.int(ctx.now) .. ' ' .. count)
  -- Only to tidy up: what counts is the time in each entry.
  redis.call('PEXPIRE', key, Text.int(Limits.span(rate, headroom) + 60000))
  redis.call('HINCRBY', ctx.used, rate.name, count)
end

-- Gives back permits of the rate of this name that were taken at a time, in ms as text, for a call
-- that was not made. Those that have left the window are gone already.
function Limits.give_back(ctx, name, at, count)
  if redis.call('LREM', Keys.window(ctx, name), -1, at .. ' ' .. count) == 1 then
    redis.call('HINCRBY', ctx.used, name, -count)
  end
end

-- What a rate counts of a call with `total` items, by kind.
function Limits.counted(rate, total, of_kind)
  if rate.unit == 'calls' then return 1 end
  if rate.unit == 'items' then return total end
  if rate.unit == 'urls' then return of_kind.url or 0 end
  if rate.unit == 'dirs' then return of_kind.dir or 0 end
  return 0 -- polls are taken by polls.lua
end

-- Until when, and why, nothing may be called; nil if something may. `until` 0: until somebody
-- lifts the hold. question: it would be one, and no call that purges.
function Limits.held(ctx, question)
  local throttled = redis.call('GET', ctx.throttled)
  if throttled then
    local till = tonumber(string.match(throttled, '^until=(%d+)'))
    if till > ctx.now then return till, 'throttled' end
  end
  local paused = redis.call('HGET', ctx.hold, 'paused')
  if paused then
    local till = Holds.ends(paused)
    if till == 0 or till > ctx.now then return till, 'paused' end
    redis.call('HDEL', ctx.hold, 'paused')
  end
  return Breaker.stops(ctx, question)
end

return Limits
