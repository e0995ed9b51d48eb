-- The breaker of a target. Stands after lib.lua in scripts that ask whether something may be
-- called, and in those that take down how it went.
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

local BREAKER = T .. ':breaker'

-- A question waits for this part of the interval longer than a call, and so do the items of a
-- probe that failed: what has not been tried goes first. Else items that the provider cannot
-- stomach would be each next probe too, and nothing else would ever go.
local TURN = 10

local function hold_ends(text) return tonumber(string.match(text, '^until=(%d+)')) end

-- When the next probe may go, ms, and by what name all waits until then; nil if it is closed.
local function next_probe()
  local open = call('HGET', BREAKER, 'open')
  if not open then return nil end
  local hold = call('HGET', HOLD, open)
  return hold and hold_ends(hold) or NOW, open
end

local function turn() return math.ceil(tonumber(call('HGET', BREAKER, 'interval') or 0) / TURN) end

-- Until when, and why, nothing may be called; nil if something may. question: it would be one.
local function broken(question)
  local till, open = next_probe()
  if not till then return nil end
  local probe, probe_until = unpack(call('HMGET', BREAKER, 'probe', 'probe_until'))
  if probe then
    local ends = tonumber(call('ZSCORE', LEASES, probe) or probe_until or 0)
    if ends > NOW then return ends, 'probe' end
  end
  if question then till = till + turn() end
  if till > NOW then return till, open end
end

-- Has what goes now be the probe, if it is open; gives whether it is.
local function probe_by(what, ends)
  if call('HEXISTS', BREAKER, 'open') == 0 then return false end
  call('HSET', BREAKER, 'probe', what)
  if ends then call('HSET', BREAKER, 'probe_until', int(ends)) else call('HDEL', BREAKER, 'probe_until') end
  return true
end
