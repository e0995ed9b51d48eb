-- Takes down whether a target answered, for its breaker. A repeated call changes nothing.
--
-- args
--   2    batch id; '' for a question
--   3    worker
--   4    fate  well          it answered, whatever it said of the items
--                down          the call failed altogether: no connection, no answer, 5xx
--                unauthorised  it refuses the credentials
--   5    code
--   6    message
--   7    policy, as JSON: see BreakerPolicy
-- returns {1 if what failed counts as an attempt of its items, ms until they may go, what happened}
--         what happened  '' | opened | failed (the probe, so it stays open) | closed
-- bound O(1)
--
-- A failure counts only if the call before it went well, or if it is that of a half of a batch whose
-- failure counted. So items that make the provider fail are found and use up their attempts, as
-- long as others go well in between; and of an outage's failures only the first few count, which
-- cannot be told from that.

return function(ctx, args)
  local batch, worker, fate, code, message = args[2], args[3], args[4], args[5], args[6]
  local policy = cjson.decode(args[7])
  local key = Keys.batch(ctx, batch)

  -- What the worker is told, too when it asks again because it lost the answer.
  local function answer(counts, happened)
    local till, open = Breaker.next_probe(ctx)
    -- Refused credentials are no item's fault: no other item need be tried.
    local wait = open == 'broken' and math.max(till - ctx.now, 0) + Breaker.turn(ctx) or 0
    return { counts, Text.int(wait), happened }
  end

  local is_half = false
  if batch ~= '' then
    local state, owner, heard, half_of = unpack(redis.call('HMGET', key, 'state', 'worker', 'heard', 'split_of'))
    is_half = half_of
    if state ~= 'leased' or owner ~= worker then return answer(0, '') end
    if heard then return answer(tonumber(heard), '') end
  end
  local function hear(counts, happened)
    if batch ~= '' then redis.call('HSET', key, 'heard', counts) end
    return answer(counts, happened)
  end

  local calls, questions, open, interval, probe =
    unpack(redis.call('HMGET', ctx.breaker, 'calls', 'questions', 'open', 'interval', 'probe'))
  calls, questions = tonumber(calls or 0), tonumber(questions or 0)
  local is_probe = probe == (batch ~= '' and batch or 'question')

  if fate == 'well' then
    if calls + questions == 0 and not open then return hear(0, '') end
    -- That a question is answered says nothing of calls.
    if batch == '' and not (open and is_probe) and (open or calls > 0) then return hear(0, '') end
    redis.call('DEL', ctx.breaker)
    if not open then return hear(0, '') end
    redis.call('HDEL', ctx.hold, open)
    redis.call('XADD', ctx.outbox, '*', 'what', 'released', 'name', open, 'by', 'breaker', 'at', Text.int(ctx.now))
    redis.call('PUBLISH', ctx.wake, 'released')
    return hear(0, 'closed')
  end

  local function hold(name, since, ms)
    redis.call('HSET', ctx.breaker, 'open', name, 'interval', Text.int(ms))
    redis.call('HDEL', ctx.breaker, 'probe', 'probe_until')
    redis.call('HSET', ctx.hold, name, 'until=' .. Text.int(ctx.now + ms) .. ' since=' .. since .. ' by=breaker why=' .. code .. ' ' .. message)
  end

  local name = fate == 'unauthorised' and 'unauthorised' or 'broken'
  if open then
    -- What was sent before it opened tells nothing new.
    if not is_probe then return hear(0, '') end
    local old = redis.call('HGET', ctx.hold, open)
    redis.call('HDEL', ctx.hold, open)
    hold(name, old and string.match(old, ' since=(%d+)') or Text.int(ctx.now), math.min(tonumber(interval) * 2, policy.max_probe_ms))
    return hear(0, 'failed')
  end
  redis.call('HINCRBY', ctx.breaker, batch ~= '' and 'calls' or 'questions', 1)
  local opens = fate == 'unauthorised' or calls + questions + 1 >= policy.failures
  local counts = fate == 'down' and (calls + questions == 0 or (is_half and not opens)) and 1 or 0
  if not opens then return hear(counts, '') end
  hold(name, Text.int(ctx.now), policy.probe_ms)
  redis.call('HINCRBY', ctx.stats, 'opened', 1)
  redis.call('XADD', ctx.outbox, '*', 'what', 'held', 'name', name, 'by', 'breaker', 'why', code, 'message', message,
    'until', Text.int(ctx.now + policy.probe_ms), 'at', Text.int(ctx.now))
  return hear(counts, 'opened')
end
