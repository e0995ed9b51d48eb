-- What a function works with: the context of one call. It holds the time and the names of the
-- target's keys, and is handed on to all that the function uses; the library itself keeps nothing.
--
-- KEYS[1] is the target's base key, purgeline:v1:{account}:target. All other keys of the target, and
-- those that an account's targets share, derive from it and lie in its slot, by the hash tag.
-- args[1] is the time in ms, or '' for Redis's own: only tests hand one in.
--
--   ctx.now      the time, ms
--   ctx.target   the target's base key        ctx.account  that of its account
--   ctx.name     the target's name
--   ctx.pending, ctx.lanes …: a key's name by the word below. It is put together when it is first
--   used, since a call uses few of them.

local Keys = {}

local OF_TARGET = {
  pending = ':pending', lanes = ':lanes', delayed = ':delayed', inflight = ':inflight',
  leases = ':leases', polls = ':polls', ready = ':ready', hold = ':hold', stats = ':stats',
  outbox = ':outbox', settling = ':settling', dead = ':dead', history = ':history', breaker = ':breaker',
  reopening = ':reopening', submitting = ':submitting', cancelling = ':cancelling',
  housekeeper = ':housekeeper',
  wake = ':wake', -- a channel
  -- Requests that must not go before a time: 'MS NAME' -> record, and in the order of their times.
  embargoed = ':embargoed', embargoes = ':embargoes',
  -- Items of which a waiting job has no use after a time, by the first such time. A hint, as in lanes.
  expiring = ':expiring',
  -- What dirs that wait cover: see coverage.lua.
  coverages = ':coverages', uncovering = ':uncovering',
}
local OF_ACCOUNT = {
  in_flight = ':limit:in_flight', tasks = ':limit:tasks', used = ':limit:used', headroom = ':limit:headroom',
  throttled = ':limit:throttled',
  account_wake = ':wake', -- a channel
}

local Context = {}

function Context.__index(ctx, word)
  local value
  if OF_TARGET[word] then
    value = ctx.target .. OF_TARGET[word]
  elseif OF_ACCOUNT[word] then
    value = ctx.account .. OF_ACCOUNT[word]
  elseif word == 'account' then
    value = string.match(ctx.target, '^(.*):[^:]*$')
  elseif word == 'name' then
    value = string.match(ctx.target, '[^:]*$')
  else
    error('the context of a call has no ' .. word)
  end
  ctx[word] = value
  return value
end

-- The time that was handed in, ms, or Redis's own.
function Keys.time(text)
  local now = tonumber(text)
  if now then return now end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The context of a function of a target.
function Keys.context(keys, args)
  return setmetatable({ target = keys[1], now = Keys.time(args[1]) }, Context)
end

function Keys.lane(ctx, lane) return ctx.target .. ':lane:' .. lane end
function Keys.batch(ctx, batch) return ctx.target .. ':batch:' .. batch end
function Keys.job(ctx, job) return ctx.target .. ':job:' .. job end
-- The list of further jobs of a record that has overflown, by what it belongs to.
function Keys.waiters(ctx, name) return ctx.target .. ':waiters:' .. name end
function Keys.batch_waiters(ctx, batch, index) return ctx.target .. ':waiters:' .. batch .. ':' .. index end
-- The dirs of a lane that cover something, and what one coverage has.
function Keys.covering(ctx, lane) return ctx.target .. ':covering:' .. lane end
function Keys.covered(ctx, id) return ctx.target .. ':covered:' .. id end
-- The window of a rate.
function Keys.window(ctx, rate) return ctx.account .. ':limit:' .. rate end

return Keys
