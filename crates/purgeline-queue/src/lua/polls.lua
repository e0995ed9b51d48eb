-- Takes open batches whose next question is due. Each is put off by the poll's own lease, so that
-- another worker asks if this one dies; the answer settles items or puts it off again.
--
-- ARGV  2 policy, as JSON: see PollPolicy
-- returns {'polls', head room by which its permit is good (ms), then for each batch: id, receipt,
--         submitted_at, polls, item count, then index, item name pairs}
--         {'wait', ms until it is worth asking again (0: unknown), why}
-- bound O(items of the batches taken), at most policy.batches of them

local policy = cjson.decode(ARGV[2])
local till, why = held(true)
if till then return { 'wait', till > 0 and int(math.max(till - NOW, 1)) or '0', why } end

local headroom, good_by = headrooms(policy.headroom_ms)
local due = call('ZRANGEBYSCORE', POLLS, '-inf', int(NOW), 'LIMIT', 0, policy.batches)
if #due == 0 then
  local first = call('ZRANGE', POLLS, 0, 0, 'WITHSCORES')[2]
  return { 'wait', first and int(math.max(tonumber(first) - NOW, 1)) or '0', 'not due' }
end
for _, rate in ipairs(policy.rates) do
  if rate.unit == 'polls' and free(rate, headroom) < 1 then
    return { 'wait', int(math.max(free_at(rate, headroom, 1) - NOW, 1)), 'rate ' .. rate.name }
  end
end
-- A question that may cover several batches waits for its share of the window, so that it covers
-- those that come due meanwhile.
if policy.batches > 1 then
  for _, rate in ipairs(policy.rates) do
    local last = call('LINDEX', A .. ':limit:' .. rate.name, -1)
    local turn = last and tonumber(string.match(last, '^%d+')) + rate.window_ms / rate.max
    if turn and turn > NOW then return { 'wait', int(math.ceil(turn - NOW)), 'turn ' .. rate.name } end
  end
end
for _, rate in ipairs(policy.rates) do
  if rate.unit == 'polls' then take(rate, headroom, 1) end
end
probe_by('question', NOW + policy.lease_ms)

local reply = { 'polls', int(good_by) }
for _, batch in ipairs(due) do
  local key = T .. ':batch:' .. batch
  local head = call('HMGET', key, 'receipt', 'submitted_at')
  if not head[1] then
    task_ended(batch) -- somebody has deleted it
  else
    call('ZADD', POLLS, int(NOW + policy.lease_ms), batch)
    local polls = call('HINCRBY', key, 'polls', 1)
    local fields, items = call('HGETALL', key), {}
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
