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
-- delay has passed, as many whose embargo has, and the bound of expire.lua

return function(ctx, args)
  local worker, policy = args[2], cjson.decode(args[3])
  local headroom, good_by = Limits.headrooms(ctx, policy.headroom_ms)

  local function wait(till, why)
    return { 'wait', till > 0 and Text.int(math.max(till - ctx.now, 1)) or '0', why }
  end

  local till, why = Limits.held(ctx)
  if till then return wait(till, why) end

  local in_flight, calls = redis.call('ZCARD', ctx.leases), Calls.in_flight(ctx)
  if calls >= policy.max_in_flight then return wait(0, 'in_flight') end
  if policy.max_tasks and calls + Calls.tasks(ctx) >= policy.max_tasks then return wait(0, 'tasks') end
  Quota.read(ctx, policy.quotas)

  -- The most of a call, and what the windows leave of it now, by kind and together.
  local KIND_UNIT = { url = 'urls', dir = 'dirs' }
  local UNIT_ROOM = { items = 'items', urls = 'url', dirs = 'dir' }
  local room = { items = policy.max_items, url = policy.max_of_kind.url or 0, dir = policy.max_of_kind.dir or 0,
    resource = policy.max_of_kind.resource or 0 }
  local rated = { items = room.items, url = room.url, dir = room.dir, resource = room.resource }
  for _, rate in ipairs(policy.rates) do
    local unit = UNIT_ROOM[rate.unit]
    if rate.unit == 'calls' then
      if Limits.free(ctx, rate, headroom) < 1 then return wait(Limits.free_at(ctx, rate, headroom, 1), 'rate ' .. rate.name) end
    elseif unit then
      rated[unit] = math.min(rated[unit], Limits.free(ctx, rate, headroom))
      -- A window that holds less than a call is a bound on the call.
      room[unit] = math.min(room[unit], rate.max)
    end
  end

  -- The batch remembers them, since one that is not sent gives them back.
  local function take_permits(key, total, of_kind)
    local taken = {}
    for _, rate in ipairs(policy.rates) do
      local count = Limits.counted(rate, total, of_kind)
      Limits.take(ctx, rate, headroom, count)
      if count > 0 then taken[#taken + 1] = rate.name .. '=' .. count end
    end
    if #taken > 0 then redis.call('HSET', key, 'permits', table.concat(taken, ' ')) end
  end

  -- When the windows of a unit have room for so many, ms, and which one is the last; nil if they
  -- have it now.
  local function short_of(unit, need)
    local latest, which
    for _, rate in ipairs(policy.rates) do
      local asked = math.min(need, rate.max)
      if rate.unit == unit and asked > 0 and Limits.free(ctx, rate, headroom) < asked then
        local at = Limits.free_at(ctx, rate, headroom, asked)
        if not latest or at > latest then latest, which = at, 'rate ' .. rate.name end
      end
    end
    return latest, which
  end

  -- Kinds that may not go, each with when (0: not known) and why: held, not taken by the policy, or
  -- their own window is spent. They stop no other kind.
  local stops = {}
  local function stop_of(kind)
    if stops[kind] == nil then
      local till = Holds.of_kind(ctx, kind)
      stops[kind] = till and { till, 'held ' .. kind }
        or room[kind] == 0 and { 0, 'kind ' .. kind .. ' is not taken' }
    end
    return stops[kind]
  end

  -- What stops something that waits: the one that ends first.
  local stopped
  local function note(stop)
    if not stopped or (stop[1] > 0 and (stopped[1] == 0 or stop[1] < stopped[1])) then stopped = stop end
  end

  local function lease(id, key)
    local deadline = ctx.now + policy.lease_ms
    redis.call('HSET', key, 'state', 'leased', 'worker', worker, 'leased_at', Text.int(ctx.now))
    Calls.begins(ctx, id, deadline)
    Quota.take(ctx, id)
    redis.call('HINCRBY', ctx.stats, 'leased', 1)
    return Text.int(deadline), Breaker.probe_by(ctx, id)
  end

  local function answer(id, key, count, items)
    local deadline, probe = lease(id, key)
    local reply = { probe and 'probe' or 'batch', id, deadline, Text.int(good_by), tostring(count) }
    for i = 1, #items do reply[5 + i] = items[i] end
    return reply
  end

  -- A batch that was split waits ready: its items are already chosen. One for which the day has no room
  -- goes back to its lanes, where its items wait and coalesce.
  for _, ready in ipairs(redis.call('LRANGE', ctx.ready, 0, 15)) do
    local key, of_kind, total, reply, fits = Keys.batch(ctx, ready), {}, 0, {}, true
    local fields = redis.call('HGETALL', key)
    for at = 1, #fields, 2 do
      if string.find(fields[at], '^%d+$') then
        local item = Record.batch_item(fields[at + 1])
        local kind = Names.kind_of_name(item.name)
        local left, _, host = Quota.room_for(ctx, item.name, kind, Names.priority_of(item.lane) == 0)
        if left < 1 then fits = false end
        Quota.count_in(ctx, kind, host)
        total, of_kind[kind] = total + 1, (of_kind[kind] or 0) + 1
        reply[#reply + 1] = fields[at]
        reply[#reply + 1] = item.name
        reply[#reply + 1] = fields[at + 1]
      end
    end
    if total == 0 then
      redis.call('LREM', ctx.ready, 1, ready) -- its record is gone
    elseif not fits then
      redis.call('LREM', ctx.ready, 1, ready)
      Batch.put_back(ctx, ready, '', 0)
    else
      local stop = false
      for kind, count in pairs(of_kind) do
        stop = stop or stop_of(kind)
        local at, why = short_of(KIND_UNIT[kind], count)
        if at then stop = stop or { at, why } end
      end
      if stop then
        note(stop)
      else
        local at, why = short_of('items', total)
        if at then return wait(at, why) end
        redis.call('LREM', ctx.ready, 1, ready)
        take_permits(key, total, of_kind)
        return answer(ready, key, total, reply)
      end
    end
    Quota.forget_counted_in(ctx)
  end

  Embargo.lift(ctx)
  -- Nothing goes that is of no use to anybody any more.
  if Expiry.expire(ctx) then return { 'again' } end

  -- Items whose delay has passed stand in their lanes again.
  local due = redis.call('ZRANGEBYSCORE', ctx.delayed, '-inf', Text.int(ctx.now), 'LIMIT', 0, 500)
  if #due > 0 then
    local texts = redis.call('HMGET', ctx.pending, unpack(due))
    for i, name in ipairs(due) do
      if texts[i] then
        local record = Record.parse(texts[i])
        Record.no_delay(record)
        if record.cause == 'under-way' then
          record.cause = '-'
          redis.call('HINCRBY', ctx.stats, 'under_way', -1)
        end
        redis.call('HSET', ctx.pending, name, Record.pack(record))
        Pending.push_hint(ctx, name, record, false)
      end
    end
    redis.call('ZREM', ctx.delayed, unpack(due))
  end

  -- The lanes that share this call: the first in rank that may go, and those that may go with it.
  local function choose()
    local pick = { lanes = {}, action = {}, available = { items = 0 }, urgent = false, urgent_of = {} }
    local hosts, host_count, at = {}, 0, 0
    while #pick.lanes == 0 and at < 1024 do
      local ranked = redis.call('ZRANGE', ctx.lanes, at, at + 63, 'WITHSCORES')
      if #ranked == 0 then break end
      at = at + 64
      for i = 1, #ranked, 2 do
        local lane = ranked[i]
        local length, kind = redis.call('LLEN', Keys.lane(ctx, lane)), Names.kind_of_lane(lane)
        local action = string.match(lane, '^%l+/%l+%+(%l+)') or 'default'
        local host, urgent = string.match(lane, '@(.*)$'), Names.priority_of(lane) == 0
        local left, spent = Quota.room(ctx, kind, host, urgent)
        if length == 0 then
          redis.call('ZREM', ctx.lanes, lane)
          at = at - 1
        elseif stop_of(kind) then
          note(stops[kind])
        elseif left < 1 then
          note(spent)
          if kind == 'dir' and not urgent then Quota.note_dirs(ctx, host, spent) end
        elseif (#pick.lanes == 0 or policy.mix_kinds or pick.action[kind])
          and (not pick.action[kind] or pick.action[kind] == action)
          and (not host or hosts[host] or host_count < policy.max_hosts) then
          pick.lanes[#pick.lanes + 1] = { name = lane, kind = kind, priority = Names.priority_of(lane), order = i }
          pick.action[kind] = action
          if host and not hosts[host] then hosts[host], host_count = true, host_count + 1 end
          pick.available[kind] = (pick.available[kind] or 0) + math.min(length, left)
          if urgent then pick.urgent, pick.urgent_of[kind] = true, true end
          if kind == 'dir' and not urgent then Quota.note_dirs(ctx, host, nil) end
          local since = tonumber(ranked[i + 1]) - Names.priority_of(lane) * 1e14
          if not pick.oldest or since < pick.oldest then pick.oldest = since end
        end
      end
    end
    -- Full: nothing more could go along, in one kind at least or together.
    pick.wanted, pick.wanted_of, pick.full = 0, {}, false
    for kind in pairs(pick.action) do
      local most = math.min(room[kind], (Quota.room(ctx, kind, nil, pick.urgent_of[kind])))
      pick.wanted_of[kind] = math.min(pick.available[kind], most)
      pick.wanted = pick.wanted + pick.wanted_of[kind]
      if pick.available[kind] >= most then pick.full = true end
    end
    if pick.wanted >= room.items then pick.wanted, pick.full = room.items, true end
    return pick
  end

  -- The windows must have room for the whole chunk: a small call now would make a small one later.
  -- Only what is urgent takes what there is.
  local pick
  repeat
    pick = choose()
    local chosen_again = false
    for kind in pairs(pick.action) do
      if rated[kind] < pick.wanted_of[kind] then
        if pick.urgent and rated[kind] > 0 then
          pick.wanted_of[kind] = rated[kind]
        else
          local at, why = short_of(KIND_UNIT[kind], pick.wanted_of[kind])
          stops[kind], chosen_again = { at, why }, true
        end
      end
    end
  until not chosen_again
  if #pick.lanes == 0 then
    for why, key in pairs({ delayed = ctx.delayed, embargoed = ctx.embargoes }) do
      local next_due = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
      if next_due then note({ next_due, why }) end
    end
    if stopped then return wait(stopped[1], stopped[2]) end
    return wait(0, 'empty')
  end

  -- Like Nagle's algorithm: while calls are in flight a part-full chunk waits for company.
  if not pick.full and not pick.urgent and in_flight > 0 then
    local returned = tonumber(redis.call('HGET', ctx.stats, 'last_return') or 0)
    local go_at = pick.oldest + policy.linger_ms
    if go_at > ctx.now and returned <= pick.oldest then return wait(go_at, 'linger') end
  end

  local wanted, wanted_of = pick.wanted, pick.wanted_of
  if rated.items < wanted then
    if not (pick.urgent and rated.items > 0) then return wait(short_of('items', wanted)) end
    wanted = rated.items
  end

  -- Take them.
  local cover = tonumber(redis.call('HGET', ctx.stats, 'dirs') or 0) > 0 and room.dir > 0 and not Holds.of_kind(ctx, 'dir')
  local names, records, dir_at = {}, {}, {}
  local of_kind, bytes, looked = {}, 0, 0
  local most_looked = 4 * policy.max_items + 200
  local max_bytes = policy.max_bytes or 0
  local joined_later = {} -- waiting dirs that got the jobs of items they cover: name -> text

  local function dir_may_go(name, text)
    return Quota.room_for(ctx, name, 'dir', Names.priority_of(string.sub(text, 6)) == 0) >= 1
  end

  -- Whether a dir covers this item, one already in this batch or one that waits; if so, the item's
  -- jobs wait for the dir from now on.
  local function covered(name, text, priority)
    local above = Names.ancestors(name)
    if #above == 0 then return false end
    local found = redis.call('HMGET', ctx.pending, unpack(above))
    for i, dir in ipairs(above) do
      local to = joined_later[dir] or found[i]
      if dir_at[dir] or (to and Record.may_cover(to, priority) and dir_may_go(name, to)) then
        local record = Record.parse(text)
        local spilled = Keys.waiters(ctx, name)
        if record.spill == '1' then
          -- The name is free for a new record, so the list needs one of its own.
          local moved = ctx.target .. ':waiters:covered:' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
          Waiters.rename(spilled, moved)
          spilled = moved
        end
        redis.call('HDEL', ctx.pending, name)
        joined_later[name] = nil
        if Names.is_dir(name) then redis.call('HINCRBY', ctx.stats, 'dirs', -1) end
        if dir_at[dir] then
          records[dir_at[dir]] = Waiters.join_all(ctx, dir, records[dir_at[dir]], record, spilled)
        else
          joined_later[dir] = Waiters.join_all(ctx, dir, to, record, spilled)
          redis.call('HSET', ctx.pending, dir, joined_later[dir])
          Pending.watch_expiry(ctx, dir, record.jobs)
        end
        redis.call('HINCRBY', ctx.stats, 'covered', 1)
        return true
      end
    end
    return false
  end

  -- Dirs before what has the same haste, so that items under them in this very call are seen to be
  -- covered; else in the order of their rank.
  table.sort(pick.lanes, function(a, b)
    if a.priority ~= b.priority then return a.priority < b.priority end
    if (a.kind == 'dir') ~= (b.kind == 'dir') then return a.kind == 'dir' end
    return a.order < b.order
  end)
  -- The item's lane was made before its host had a quota of its own, and that is spent: it waits in one
  -- for its host, and stops nobody else.
  local function wait_for_host(name, text, host)
    local record = Record.parse(text)
    record.lane = string.match(record.lane, '^[^@]*') .. '@' .. host
    redis.call('HSET', ctx.pending, name, Record.pack(record))
    Pending.push_hint(ctx, name, record, false)
  end

  local byte_full = false
  local seen = {}
  -- Longer than any provider works on an item: what held it lets go much sooner.
  local UNDER_WAY_MS = 3600000

  -- The provider would refuse an item that it still works on, so it waits for that to end.
  local function wait_for_earlier(name, text)
    local record = Record.parse(text)
    joined_later[name] = nil
    -- A rebound was for an earlier purge than the one under way.
    if Record.is_alone(record) then return Pending.remove(ctx, name, record) end
    record.due, record.cause = Text.int(ctx.now + UNDER_WAY_MS), 'under-way'
    redis.call('HSET', ctx.pending, name, Record.pack(record))
    redis.call('ZADD', ctx.delayed, record.due, name)
    redis.call('HINCRBY', ctx.stats, 'under_way', 1)
  end
  for _, lane in ipairs(pick.lanes) do
    local kind, key, own = lane.kind, Keys.lane(ctx, lane.name), 'lane=' .. lane.name .. ' '
    local urgent, spent = lane.priority == 0, false
    while not byte_full and not spent and #names < wanted and (of_kind[kind] or 0) < wanted_of[kind] and looked < most_looked do
      local ask = math.min(wanted - #names, wanted_of[kind] - (of_kind[kind] or 0), most_looked - looked, Text.SLICE)
      local popped = redis.call('LPOP', key, ask)
      if not popped or #popped == 0 then break end
      looked = looked + #popped
      local texts, rest = redis.call('HMGET', ctx.pending, unpack(popped)), {}
      local holders = policy.not_while_open and redis.call('HMGET', ctx.inflight, unpack(popped)) or {}
      for i, name in ipairs(popped) do
        local text = texts[i]
        -- Else a stale hint: gone, delayed, a second hint of the same item, or left by an earlier
        -- request that had more haste. One that was left in this lane when the item moved up is as
        -- good as its new one.
        if text and not seen[name] and string.find(text, ' due=0 ', 1, true)
          and (string.find(text, own, 1, true) == 1 or Names.priority_of(string.sub(text, 6)) <= lane.priority) then
          byte_full = byte_full or (max_bytes > 0 and #names > 0 and bytes + #name > max_bytes)
          local left, stop, host = Quota.room_for(ctx, name, kind, urgent)
          local of_host = left < 1 and stop[3] and not string.find(lane.name, '@', 1, true)
          spent = spent or (left < 1 and not of_host)
          if byte_full or spent then
            rest[#rest + 1] = name
          else
            seen[name] = true
            -- A dir that waits may have got jobs since it was read.
            text = joined_later[name] or text
            if cover and covered(name, text, lane.priority) then
              -- It goes with the dir.
            elseif holders[i] then
              wait_for_earlier(name, text)
            elseif of_host then
              wait_for_host(name, text, host)
            else
              Quota.count_in(ctx, kind, host)
              names[#names + 1] = name
              records[#names] = text
              bytes = bytes + #name
              of_kind[kind] = (of_kind[kind] or 0) + 1
              if kind == 'dir' then dir_at[name] = #names end
            end
          end
        end
      end
      for i = #rest, 1, -1 do redis.call('LPUSH', key, rest[i]) end
    end
    local first = redis.call('LINDEX', key, 0)
    if first then
      local text = redis.call('HGET', ctx.pending, first)
      local since = text and string.match(text, ' since=(%d+)') or ctx.now
      redis.call('ZADD', ctx.lanes, Names.rank(lane.name, since), lane.name)
    else
      redis.call('ZREM', ctx.lanes, lane.name)
    end
    -- What was chosen to go along with this lane has no right to go first.
    if #names == 0 then return { 'again' } end
  end

  local id = 'b' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
  local key, reply = Keys.batch(ctx, id), {}
  for from = 1, #names, Text.SLICE do
    local to = math.min(from + Text.SLICE - 1, #names)
    local fields, holders = {}, {}
    local others = redis.call('HMGET', ctx.inflight, unpack(names, from, to))
    for i = from, to do
      -- As text: Redis formats a number anew, slowly, each time that it gets one.
      local name, index = names[i], tostring(i)
      if string.find(records[i], ' spill=1 ', 1, true) then
        Waiters.rename(Keys.waiters(ctx, name), Keys.batch_waiters(ctx, id, index))
      end
      local value = records[i] .. ' item=' .. name
      local other = others[i - from + 1]
      fields[#fields + 1] = index
      fields[#fields + 1] = value
      holders[#holders + 1] = name
      holders[#holders + 1] = other and other .. ',' .. id or id
      reply[#reply + 1] = index
      reply[#reply + 1] = name
      reply[#reply + 1] = value
    end
    redis.call('HSET', key, unpack(fields))
    redis.call('HSET', ctx.inflight, unpack(holders))
    redis.call('HDEL', ctx.pending, unpack(names, from, to))
  end
  if of_kind.dir then redis.call('HINCRBY', ctx.stats, 'dirs', -of_kind.dir) end
  redis.call('HSET', key, 'items', #names, 'open', #names, 'polls', 0)
  if policy.rebound then redis.call('HSET', key, 'rebound', policy.rebound) end
  take_permits(key, #names, of_kind)
  return answer(id, key, #names, reply)
end
