-- Takes open batches whose next question is due. Each is put off by the poll's own lease, so that
-- another worker asks if this one dies; the answer settles items or puts it off again.
--
-- args
--   2    policy, as JSON: see PollPolicy
-- returns {'polls', head room by which its permit is good (ms), then for each batch: id, receipt,
--         submitted_at, polls, item count, then index, item name pairs}
--         {'wait', ms until it is worth asking again (0: unknown), why}
-- bound O(items of the batches taken), at most policy.batches of them

return function(ctx, args)
  local policy = cjson.decode(args[2])
  local till, why = Limits.held(ctx, true)
  if till then return { 'wait', till > 0 and Text.int(math.max(till - ctx.now, 1)) or '0', why } end

  local headroom, good_by = Limits.headrooms(ctx, policy.headroom_ms)
  local due = redis.call('ZRANGEBYSCORE', ctx.polls, '-inf', Text.int(ctx.now), 'LIMIT', 0, policy.batches)
  if #due == 0 then
    local first = redis.call('ZRANGE', ctx.polls, 0, 0, 'WITHSCORES')[2]
    return { 'wait', first and Text.int(math.max(tonumber(first) - ctx.now, 1)) or '0', 'not due' }
  end
  for _, rate in ipairs(policy.rates) do
    if rate.unit == 'polls' and Limits.free(ctx, rate, headroom) < 1 then
      return { 'wait', Text.int(math.max(Limits.free_at(ctx, rate, headroom, 1) - ctx.now, 1)), 'rate ' .. rate.name }
    end
  end
  -- A question that may cover several batches waits for its share of the window, so that it covers
  -- those that come due meanwhile.
  if policy.batches > 1 then
    for _, rate in ipairs(policy.rates) do
      local last = redis.call('LINDEX', Keys.window(ctx, rate.name), -1)
      local turn = last and tonumber(string.match(last, '^%d+')) + rate.window_ms / rate.max
      if turn and turn > ctx.now then return { 'wait', Text.int(math.ceil(turn - ctx.now)), 'turn ' .. rate.name } end
    end
  end
  for _, rate in ipairs(policy.rates) do
    if rate.unit == 'polls' then Limits.take(ctx, rate, headroom, 1) end
  end
  Breaker.probe_by(ctx, 'question', ctx.now + policy.lease_ms)

  local reply = { 'polls', Text.int(good_by) }
  for _, batch in ipairs(due) do
    local key = Keys.batch(ctx, batch)
    local head = redis.call('HMGET', key, 'receipt', 'submitted_at')
    if not head[1] then
      Calls.task_ended(ctx, batch) -- somebody has deleted it
    else
      redis.call('ZADD', ctx.polls, Text.int(ctx.now + policy.lease_ms), batch)
      local polls = redis.call('HINCRBY', key, 'polls', 1)
      local fields, items = redis.call('HGETALL', key), {}
      for at = 1, #fields, 2 do
        if string.find(fields[at], '^%d+$') then
          items[#items + 1] = fields[at]
          items[#items + 1] = fields[at + 1]
        end
      end
      for _, value in ipairs({ batch, head[1], head[2] or '0', tostring(polls), tostring(#items / 2) }) do
        reply[#reply + 1] = value
      end
      for _, value in ipairs(items) do reply[#reply + 1] = value end
    end
  end
  return reply
end
