-- Quotas of the provider's day, counted over all targets of an account.
--
-- quota:<name>:<day>           hash of one quota (urls, dirs, items ...); expires two days after its day
--   spent   items that were let go on that day, corrected by what the provider has counted
--   max     items a day, if the provider has said so
--   open    items in calls that have neither returned nor told
--   vague   items in calls that have returned without the provider's count, ever
--   told    the most that the provider said to have counted;  told_at  when
--   10m:<n> items let go in the n-th ten minutes of the day
-- quota:<name>-per-host:<day>  hash: host -> items let go
--
-- A batch's field `quotas` says what it has taken: urls@2026-01-31=60/0, the count and what was vague
-- then; dirs-per-host@2026-01-31=a.example.com*3,b.example.com*1. Its field `told` names the
-- quotas of which the answer to its call told.

local Quota = {}

Quota.KEEP_MS = 172800000
local TEN_MINUTES = 600000
-- So long after a day began, by Redis's clock, the provider's own may still show the day before.
Quota.UNSURE_MS = 300000

function Quota.key(ctx, name, day) return ctx.account .. ':quota:' .. name .. ':' .. day end

-- The policy knows the days before, of and after the worker's time.
function Quota.day_of(ctx, quota)
  for _, day in ipairs(quota.days) do
    if day.from_ms <= ctx.now and ctx.now < day.till_ms then return day end
  end
  error('the clocks of this worker and of Redis differ by more than a day: set them right')
end

-- A configured quota holds whatever the provider says; a documented one gives way to its word.
function Quota.most_of(quota, told)
  told = tonumber(told)
  if quota.configured and told then return math.min(told, quota.max) end
  return told or quota.max
end

function Quota.counts(quota, kind) return not quota.kind or quota.kind == kind end

-- Reads the quotas of a policy into the context, for what follows.
function Quota.read(ctx, quotas)
  local read = {}
  for i, quota in ipairs(quotas) do
    local day = Quota.day_of(ctx, quota)
    local one = { name = quota.name, kind = quota.kind, per_host = quota.per_host, day = day,
      key = Quota.key(ctx, quota.name, day.day), max = quota.max, spent = 0, taken = 0, spent_of = {}, taken_of = {} }
    if not quota.per_host then
      local told, spent = unpack(redis.call('HMGET', one.key, 'max', 'spent'))
      one.max, one.spent = Quota.most_of(quota, told), tonumber(spent or 0)
    end
    one.reserve = one.max and math.floor(one.max * quota.reserve_percent / 100) or 0
    read[i] = one
  end
  ctx.quotas = read
end

-- How many more items one quota lets go, of one host if it counts by host.
local function room_in(quota, host, urgent)
  local spent = quota.spent + quota.taken
  if quota.per_host then
    if not host then return math.huge end
    if not quota.spent_of[host] then quota.spent_of[host] = tonumber(redis.call('HGET', quota.key, host) or 0) end
    spent = quota.spent_of[host] + (quota.taken_of[host] or 0)
  end
  if not quota.max then return math.huge end
  return math.max(quota.max - (urgent and 0 or quota.reserve) - spent, 0)
end

-- How many more items of a kind may go today, and what stops more: when that ends, ms, and why.
-- host: nil for those of any.
function Quota.room(ctx, kind, host, urgent)
  local least, stop = math.huge, nil
  for _, quota in ipairs(ctx.quotas) do
    if Quota.counts(quota, kind) then
      local room = room_in(quota, host, urgent)
      if room < least then least, stop = room, { quota.day.till_ms, 'quota ' .. quota.name, quota.per_host } end
    end
  end
  return least, stop
end

-- The same for an item by its name; gives its host too, where a quota asks for it.
function Quota.room_for(ctx, name, kind, urgent)
  if #ctx.quotas == 0 then return math.huge end
  local host = Names.host_of_name(name)
  local room, stop = Quota.room(ctx, kind, host, urgent)
  return room, stop, host
end

-- One more item goes along.
function Quota.count_in(ctx, kind, host)
  for _, quota in ipairs(ctx.quotas) do
    if Quota.counts(quota, kind) then
      if not quota.per_host then
        quota.taken = quota.taken + 1
      elseif host then
        quota.taken_of[host] = (quota.taken_of[host] or 0) + 1
      end
    end
  end
end

function Quota.forget_counted_in(ctx)
  for _, quota in ipairs(ctx.quotas) do quota.taken, quota.taken_of = 0, {} end
end

-- Writes what goes along to the quotas and to the batch.
function Quota.take(ctx, batch)
  local entries = {}
  for _, quota in ipairs(ctx.quotas) do
    if quota.per_host and next(quota.taken_of) then
      local hosts = {}
      for host, count in pairs(quota.taken_of) do
        redis.call('HINCRBY', quota.key, host, count)
        hosts[#hosts + 1] = host .. '*' .. count
      end
      entries[#entries + 1] = quota.name .. '@' .. quota.day.day .. '=' .. table.concat(hosts, ',')
    elseif quota.taken > 0 then
      redis.call('HINCRBY', quota.key, 'spent', quota.taken)
      redis.call('HINCRBY', quota.key, 'open', quota.taken)
      redis.call('HINCRBY', quota.key, '10m:' .. math.floor((ctx.now - quota.day.from_ms) / TEN_MINUTES), quota.taken)
      local vague = redis.call('HGET', quota.key, 'vague') or 0
      entries[#entries + 1] = quota.name .. '@' .. quota.day.day .. '=' .. quota.taken .. '/' .. vague
    end
    if quota.taken > 0 or next(quota.taken_of) then
      redis.call('PEXPIRE', quota.key, Text.int(quota.day.till_ms - ctx.now + Quota.KEEP_MS))
    end
  end
  local key = Keys.batch(ctx, batch)
  if #entries > 0 then redis.call('HSET', key, 'quotas', table.concat(entries, ' ')) else redis.call('HDEL', key, 'quotas') end
  redis.call('HDEL', key, 'told')
end

-- What a batch, or a question's mark, says of one quota: the count and what was vague then.
function Quota.entry_of(text, name, day)
  local from = name .. '@' .. day .. '='
  for entry in string.gmatch(text or '', '%S+') do
    if string.sub(entry, 1, #from) == from then return string.match(entry, '(%d+)/(%d+)$', #from) end
  end
end

-- Whether the answer to a batch's call has told of a quota, by its field `told`.
function Quota.has_told(told, name) return told and string.find(told, ' ' .. name .. ' ', 1, true) end

-- The call of a batch has come back, or is given up: the provider has counted it by now, if it ever
-- does. Only what its answer told of is known to be in the provider's count.
function Quota.returned(ctx, batch)
  local text, told = unpack(redis.call('HMGET', Keys.batch(ctx, batch), 'quotas', 'told'))
  for name, day, count in string.gmatch(text or '', '(%S+)@(%S+)=(%d+)/%d+') do
    local key = Quota.key(ctx, name, day)
    -- Else it has expired, and must not come back without an end.
    if not Quota.has_told(told, name) and redis.call('EXISTS', key) == 1 then
      redis.call('HINCRBY', key, 'open', -count)
      redis.call('HINCRBY', key, 'vague', count)
    end
  end
end

-- Gives back what a batch has taken that the provider did not get, or refused as a whole. Unlike a
-- window of seconds a day is too long to wait for that. Stands before call_returned.
function Quota.unspent(ctx, batch)
  local key = Keys.batch(ctx, batch)
  local text, told = unpack(redis.call('HMGET', key, 'quotas', 'told'))
  if not text then return end
  for name, day, taken in string.gmatch(text, '(%S+)@(%S+)=(%S+)') do
    local quota, count = Quota.key(ctx, name, day), string.match(taken, '^(%d+)/')
    if redis.call('EXISTS', quota) == 1 then
      if count then
        redis.call('HINCRBY', quota, 'spent', -count)
        if not Quota.has_told(told, name) then redis.call('HINCRBY', quota, 'open', -count) end
      else
        for host, of_host in string.gmatch(taken, '([^,]+)%*(%d+)') do redis.call('HINCRBY', quota, host, -of_host) end
      end
    end
  end
  redis.call('HDEL', key, 'quotas')
end

return Quota
