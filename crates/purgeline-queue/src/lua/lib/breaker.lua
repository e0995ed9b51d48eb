-- The breaker of a target.
--
-- It opens when so many calls and questions in a row have failed altogether, by whatever worker,
-- or when the credentials are refused. While it is open nothing is called, but for one probe at a
-- time: a call that purges, or, where none wants to go, a question. Its success closes it.
--
-- breaker  hash, there while something has failed last:
--   calls, questions  how many in a row have failed
--   open         while it is open the name of its hold: broken, or unauthorised; the hold's
--                `until` is when the next probe may go
--   interval     ms between two probes
--   probe        the batch that is the probe, as long as it has a lease; or: question
--   probe_until  until when a question is waited for

local Breaker = {}

-- A question waits for this part of the interval longer than a call, and so do the items of a
-- probe that failed: what has not been tried goes first. Else items that the provider cannot
-- stomach would be each next probe too, and nothing else would ever go.
local TURN = 10

-- When the next probe may go, ms, and by what name all waits until then; nil if it is closed.
function Breaker.next_probe(ctx)
  local open = redis.call('HGET', ctx.breaker, 'open')
  if not open then return nil end
  local hold = redis.call('HGET', ctx.hold, open)
  return hold and Holds.ends(hold) or ctx.now, open
end

function Breaker.turn(ctx) return math.ceil(tonumber(redis.call('HGET', ctx.breaker, 'interval') or 0) / TURN) end

-- Until when, and why, nothing may be called; nil if something may. question: it would be one.
function Breaker.stops(ctx, question)
  local till, open = Breaker.next_probe(ctx)
  if not till then return nil end
  local probe, probe_until = unpack(redis.call('HMGET', ctx.breaker, 'probe', 'probe_until'))
  if probe then
    local ends = tonumber(redis.call('ZSCORE', ctx.leases, probe) or probe_until or 0)
    if ends > ctx.now then return ends, 'probe' end
  end
  if question then till = till + Breaker.turn(ctx) end
  if till > ctx.now then return till, open end
end

-- Has what goes now be the probe, if it is open; gives whether it is.
function Breaker.probe_by(ctx, what, ends)
  if redis.call('HEXISTS', ctx.breaker, 'open') == 0 then return false end
  redis.call('HSET', ctx.breaker, 'probe', what)
  if ends then redis.call('HSET', ctx.breaker, 'probe_until', Text.int(ends)) else redis.call('HDEL', ctx.breaker, 'probe_until') end
  return true
end

return Breaker
