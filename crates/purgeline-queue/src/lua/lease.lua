-- Takes the next batch of a target, if one may go now: decides at once whether the target is
-- held, whether the fleet's limits allow a call and with how many items, whether the chunk is
-- full enough, and which items go. The permits are taken with it.
--
-- args
--   2    worker
--   3    policy, as JSON: see LeasePolicy
-- returns {'batch', id, lease deadline, head room by which its permits are good (ms), count, then for
--         each item: index, name, record}; 'probe' in place of 'batch' if the breaker is open
--         {'wait', ms until it is worth asking again (0: unknown), why}
--         {'again'}   only stale hints, covered items, items under way or expired ones were found; ask
--                     again at once
-- bound O(items of a call); hints looked at: 4 a possible item and 200 more; 16 split batches;
-- 64 lanes, more only while they are all of kinds that may not go, 1024 at most; 500 items whose
-- delay has passed, as many whose embargo has, as many that no dir covers any more, 100 dirs that
-- are found to be stopped, and the bound of expiry.lua

-- Split batches that are looked at, items whose delay has passed or that no dir covers any more and that
-- return to their lanes, and dirs of lanes that may not go, by one call.
local READY_SEEN, RETURNING, STOPPED_DIRS = 16, 500, 100

local function wait(ctx, till, why)
  return { 'wait', till > 0 and Text.int(math.max(till - ctx.now, 1)) or '0', why }
end

-- Whether nothing waits here in any way. One command tells, and an idle target is asked about often.
local function is_idle(ctx)
  return redis.call('EXISTS', ctx.pending, ctx.embargoed, ctx.ready, ctx.lanes, ctx.delayed, ctx.embargoes, ctx.expiring,
    ctx.uncovering) == 0
end

-- Leases a batch that is written down. items: index, name and record of each.
local function lease(ctx, decision, worker, id, key, count, items)
  local deadline = Text.int(ctx.now + decision.policy.lease_ms)
  redis.call('HSET', key, 'state', 'leased', 'worker', worker, 'leased_at', Text.int(ctx.now))
  Calls.begins(ctx, id, ctx.now + decision.policy.lease_ms)
  Quota.take(ctx, id)
  redis.call('HINCRBY', ctx.stats, 'leased', 1)
  local reply = { Breaker.probe_by(ctx, id) and 'probe' or 'batch', id, deadline, Text.int(decision.good_by), tostring(count) }
  for i = 1, #items do reply[5 + i] = items[i] end
  return reply
end

-- The items of a batch that was split, and whether the day has room for them, which is counted in.
local function read_ready(ctx, key)
  local batch = { of_kind = {}, total = 0, items = {}, fits = true }
  local fields, of_kind, items = redis.call('HGETALL', key), batch.of_kind, batch.items
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      local item = Record.batch_item(fields[at + 1])
      local kind = Names.kind_of_name(item.name)
      local left, _, host = Quota.room_for(ctx, item.name, kind, Names.priority_of(item.lane) == 0)
      if left < 1 then batch.fits = false end
      Quota.count_in(ctx, kind, host)
      batch.total, of_kind[kind] = batch.total + 1, (of_kind[kind] or 0) + 1
      items[#items + 1] = fields[at]
      items[#items + 1] = item.name
      items[#items + 1] = fields[at + 1]
    end
  end
  return batch
end

-- What stops a batch whose items are chosen; false if nothing does.
local function stop_of_ready(ctx, decision, batch)
  local stop = false
  for kind, count in pairs(batch.of_kind) do
    stop = stop or Decision.stop_of(ctx, decision, kind)
    local at, why = Decision.short_of(ctx, decision, Decision.KIND_UNIT[kind], count)
    if at then stop = stop or { at, why } end
  end
  return stop
end

-- A batch that was split waits ready: its items are already chosen. One for which the day has no room
-- goes back to its lanes, where its items wait and coalesce. Gives the reply if one goes, or nothing
-- else may go before it.
local function lease_ready(ctx, decision, worker)
  for _, id in ipairs(redis.call('LRANGE', ctx.ready, 0, READY_SEEN - 1)) do
    local key = Keys.batch(ctx, id)
    local batch = read_ready(ctx, key)
    if batch.total == 0 then
      redis.call('LREM', ctx.ready, 1, id) -- its record is gone
    elseif not batch.fits then
      redis.call('LREM', ctx.ready, 1, id)
      Batch.put_back(ctx, id, '', 0)
    else
      local stop = stop_of_ready(ctx, decision, batch)
      if stop then
        Decision.note(decision, stop)
      else
        local at, why = Decision.short_of(ctx, decision, 'items', batch.total)
        if at then return wait(ctx, at, why) end
        redis.call('LREM', ctx.ready, 1, id)
        Decision.take_permits(ctx, decision, key, batch.total, batch.of_kind)
        return lease(ctx, decision, worker, id, key, batch.total, batch.items)
      end
    end
    Quota.forget_counted_in(ctx)
  end
end

-- Items whose delay has passed stand in their lanes again.
local function end_delays(ctx)
  local due = redis.call('ZRANGEBYSCORE', ctx.delayed, '-inf', Text.int(ctx.now), 'LIMIT', 0, RETURNING)
  if #due == 0 then return end
  for i, text in ipairs(redis.call('HMGET', ctx.pending, unpack(due))) do
    if text then
      local name, record = due[i], Record.parse(text)
      Record.no_delay(record)
      if record.cause == 'under-way' then
        record.cause = '-'
        redis.call('HINCRBY', ctx.stats, 'under_way', -1)
      elseif Coverage.of(text) then
        record.cause = '-'
      end
      redis.call('HSET', ctx.pending, name, Record.pack(record))
      Pending.push_hint(ctx, name, record, false)
    end
  end
  redis.call('ZREM', ctx.delayed, unpack(due))
end

-- Dirs of lanes that may not go for long cover nothing any more. Gives whether there were some: what they
-- covered may go in their place.
local function stop_dirs(ctx, decision)
  local stopped = 0
  for lane, why in pairs(decision.stopped_dirs) do
    if stopped < STOPPED_DIRS then stopped = stopped + Coverage.stop_lane(ctx, lane, why, STOPPED_DIRS - stopped) end
  end
  return stopped > 0
end

return function(ctx, args)
  local till, why = Limits.held(ctx)
  if till then return wait(ctx, till, why) end
  if is_idle(ctx) then return wait(ctx, 0, 'empty') end
  if Coverage.uncover(ctx, RETURNING) then return { 'again' } end

  local worker, decision = args[2], nil
  decision, till, why = Decision.new(ctx, cjson.decode(args[3]))
  if not decision then return wait(ctx, till, why) end
  local reply = lease_ready(ctx, decision, worker)
  if reply then return reply end

  Embargo.lift(ctx)
  -- Nothing goes that is of no use to anybody any more.
  if Expiry.expire(ctx) then return { 'again' } end
  end_delays(ctx)
  local pick = Decision.pick(ctx, decision)
  if stop_dirs(ctx, decision) then return { 'again' } end
  if #pick.lanes == 0 then return wait(ctx, Decision.nothing_goes(ctx, decision)) end
  till, why = Decision.not_yet(ctx, decision, pick)
  if till then return wait(ctx, till, why) end

  local chunk = Chunk.take(ctx, decision, pick)
  if #chunk.names == 0 then return { 'again' } end
  local id = 'b' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
  local key = Keys.batch(ctx, id)
  local items = Chunk.write(ctx, chunk, id, key)
  if decision.policy.rebound then redis.call('HSET', key, 'rebound', decision.policy.rebound) end
  Decision.take_permits(ctx, decision, key, #chunk.names, chunk.of_kind)
  return lease(ctx, decision, worker, id, key, #chunk.names, items)
end
