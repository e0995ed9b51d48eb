-- Takes the next batch of a target, if one may go now: decides at once whether the target is
-- held, whether the fleet's limits allow a call and with how many items, whether the chunk is
-- full enough, and which items go. The permits are taken with it.
--
-- ARGV  2 worker    3 policy, as JSON: see LeasePolicy
-- returns {'batch', id, lease deadline, head room by which its permits are good (ms), count, then for
--         each item: index, name, record}; 'probe' in place of 'batch' if the breaker is open
--         {'wait', ms until it is worth asking again (0: unknown), why}
--         {'again'}   only stale hints, covered items, items under way or expired ones were found; ask
--                     again at once
-- bound O(items of a call); hints looked at: 4 a possible item and 200 more; 16 split batches;
-- 64 lanes, more only while they are all of kinds that may not go, 1024 at most; 500 items whose
-- delay has passed, as many whose embargo has, as many that no dir covers any more, 100 dirs that
-- are found to be stopped, and the bound of expire.lua

-- Items that return to their lanes by one call, and dirs of lanes that may not go that are looked at.
local UNCOVERED, STOPPED_DIRS = 500, 100

local worker, policy = ARGV[2], cjson.decode(ARGV[3])
local headroom, good_by = headrooms(policy.headroom_ms)

local function wait(till, why)
  return { 'wait', till > 0 and int(math.max(till - NOW, 1)) or '0', why }
end

local till, why = held()
if till then return wait(till, why) end

if Coverage.uncover(UNCOVERED) then return { 'again' } end

local in_flight, calls = call('ZCARD', LEASES), calls_in_flight()
if calls >= policy.max_in_flight then return wait(0, 'in_flight') end
if policy.max_tasks and calls + tasks_in_progress() >= policy.max_tasks then return wait(0, 'tasks') end
read_quotas(policy.quotas)

-- The most of a call, and what the windows leave of it now, by kind and together.
local KIND_UNIT = { url = 'urls', dir = 'dirs' }
local UNIT_ROOM = { items = 'items', urls = 'url', dirs = 'dir' }
local room = { items = policy.max_items, url = policy.max_of_kind.url or 0, dir = policy.max_of_kind.dir or 0,
  resource = policy.max_of_kind.resource or 0 }
local rated = { items = room.items, url = room.url, dir = room.dir, resource = room.resource }
for _, rate in ipairs(policy.rates) do
  local unit = UNIT_ROOM[rate.unit]
  if rate.unit == 'calls' then
    if free(rate, headroom) < 1 then return wait(free_at(rate, headroom, 1), 'rate ' .. rate.name) end
  elseif unit then
    rated[unit] = math.min(rated[unit], free(rate, headroom))
    -- A window that holds less than a call is a bound on the call.
    room[unit] = math.min(room[unit], rate.max)
  end
end

-- The batch remembers them, since one that is not sent gives them back.
local function take_permits(key, total, of_kind)
  local taken = {}
  for _, rate in ipairs(policy.rates) do
    local count = counted(rate, total, of_kind)
    take(rate, headroom, count)
    if count > 0 then taken[#taken + 1] = rate.name .. '=' .. count end
  end
  if #taken > 0 then call('HSET', key, 'permits', table.concat(taken, ' ')) end
end

-- When the windows of a unit have room for so many, ms, and which one is the last; nil if they
-- have it now.
local function short_of(unit, need)
  local latest, which
  for _, rate in ipairs(policy.rates) do
    local asked = math.min(need, rate.max)
    if rate.unit == unit and asked > 0 and free(rate, headroom) < asked then
      local at = free_at(rate, headroom, asked)
      if not latest or at > latest then latest, which = at, 'rate ' .. rate.name end
    end
  end
  return latest, which
end

-- Kinds that may not go, each with when (0: not known), why, and whether for long: held, not taken by
-- the policy, or (not for long) their own window is spent. They stop no other kind.
local stops = {}
local function stop_of(kind)
  if stops[kind] == nil then
    local till = kind_held(kind)
    stops[kind] = till and { till, 'held ' .. kind, true }
      or room[kind] == 0 and { 0, 'kind ' .. kind .. ' is not taken', true }
  end
  return stops[kind]
end

-- What stops something that waits: the one that ends first.
local stopped
local function note(stop)
  if not stopped or (stop[1] > 0 and (stopped[1] == 0 or stop[1] < stopped[1])) then stopped = stop end
end

local function lease(id, key)
  local deadline = NOW + policy.lease_ms
  call('HSET', key, 'state', 'leased', 'worker', worker, 'leased_at', int(NOW))
  call_begins(id, deadline)
  take_quotas(id)
  call('HINCRBY', STATS, 'leased', 1)
  return int(deadline), probe_by(id)
end

local function answer(id, key, count, items)
  local deadline, probe = lease(id, key)
  local reply = { probe and 'probe' or 'batch', id, deadline, int(good_by), tostring(count) }
  for i = 1, #items do reply[5 + i] = items[i] end
  return reply
end

-- A batch that was split waits ready: its items are already chosen. One for which the day has no room
-- goes back to its lanes, where its items wait and coalesce.
for _, ready in ipairs(call('LRANGE', READY, 0, 15)) do
  local key, of_kind, total, reply, fits = T .. ':batch:' .. ready, {}, 0, {}, true
  local fields = call('HGETALL', key)
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      local item = batch_item(fields[at + 1])
      local kind = kind_of_name(item.name)
      local left, _, host = quota_for(item.name, kind, priority_of(item.lane) == 0)
      if left < 1 then fits = false end
      quota_counts_in(kind, host)
      total, of_kind[kind] = total + 1, (of_kind[kind] or 0) + 1
      reply[#reply + 1] = fields[at]
      reply[#reply + 1] = item.name
      reply[#reply + 1] = fields[at + 1]
    end
  end
  if total == 0 then
    call('LREM', READY, 1, ready) -- its record is gone
  elseif not fits then
    call('LREM', READY, 1, ready)
    put_batch_back(ready, '', 0)
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
      call('LREM', READY, 1, ready)
      take_permits(key, total, of_kind)
      return answer(ready, key, total, reply)
    end
  end
  forget_counted_in()
end

lift_embargoes()
-- Nothing goes that is of no use to anybody any more.
if expire() then return { 'again' } end

-- Items whose delay has passed stand in their lanes again.
local due = call('ZRANGEBYSCORE', DELAYED, '-inf', int(NOW), 'LIMIT', 0, 500)
if #due > 0 then
  local texts = call('HMGET', PENDING, unpack(due))
  for i, name in ipairs(due) do
    if texts[i] then
      local record = parse(texts[i])
      no_delay(record)
      if record.cause == 'under-way' then
        record.cause = '-'
        call('HINCRBY', STATS, 'under_way', -1)
      elseif Coverage.of(texts[i]) then
        record.cause = '-'
      end
      call('HSET', PENDING, name, pack(record))
      stand(name, record, false)
    end
  end
  call('ZREM', DELAYED, unpack(due))
end

-- Lanes of dirs that may not go for long, and why: nothing may wait for these.
local stopped_dirs = {}

-- The lanes that share this call: the first in rank that may go, and those that may go with it.
local function choose()
  local pick = { lanes = {}, action = {}, available = { items = 0 }, urgent = false, urgent_of = {} }
  local hosts, host_count, at = {}, 0, 0
  while #pick.lanes == 0 and at < 1024 do
    local ranked = call('ZRANGE', LANES, at, at + 63, 'WITHSCORES')
    if #ranked == 0 then break end
    at = at + 64
    for i = 1, #ranked, 2 do
      local lane = ranked[i]
      local length, kind = call('LLEN', T .. ':lane:' .. lane), kind_of_lane(lane)
      local action = string.match(lane, '^%l+/%l+%+(%l+)') or 'default'
      local host, urgent = string.match(lane, '@(.*)$'), priority_of(lane) == 0
      local left, spent = quota_room(kind, host, urgent)
      if length == 0 then
        call('ZREM', LANES, lane)
        at = at - 1
      elseif stop_of(kind) then
        note(stops[kind])
        if kind == 'dir' and stops.dir[3] then stopped_dirs[lane] = Coverage.HELD end
      elseif left < 1 then
        note(spent)
        if kind == 'dir' then stopped_dirs[lane] = Coverage.DAILY_QUOTA end
      elseif (#pick.lanes == 0 or policy.mix_kinds or pick.action[kind])
        and (not pick.action[kind] or pick.action[kind] == action)
        and (not host or hosts[host] or host_count < policy.max_hosts) then
        pick.lanes[#pick.lanes + 1] = { name = lane, kind = kind, priority = priority_of(lane), order = i }
        pick.action[kind] = action
        if host and not hosts[host] then hosts[host], host_count = true, host_count + 1 end
        pick.available[kind] = (pick.available[kind] or 0) + math.min(length, left)
        if urgent then pick.urgent, pick.urgent_of[kind] = true, true end
        local since = tonumber(ranked[i + 1]) - priority_of(lane) * 1e14
        if not pick.oldest or since < pick.oldest then pick.oldest = since end
      end
    end
  end
  -- Full: nothing more could go along, in one kind at least or together.
  pick.wanted, pick.wanted_of, pick.full = 0, {}, false
  for kind in pairs(pick.action) do
    local most = math.min(room[kind], (quota_room(kind, nil, pick.urgent_of[kind])))
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
local stopped_now = 0
for lane, why in pairs(stopped_dirs) do
  if stopped_now < STOPPED_DIRS then stopped_now = stopped_now + Coverage.stop_lane(lane, why, STOPPED_DIRS - stopped_now) end
end
-- What they covered may go in their place.
if stopped_now > 0 then return { 'again' } end
if #pick.lanes == 0 then
  for why, key in pairs({ delayed = DELAYED, embargoed = EMBARGOES }) do
    local next_due = tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if next_due then note({ next_due, why }) end
  end
  if stopped then return wait(stopped[1], stopped[2]) end
  return wait(0, 'empty')
end

-- Like Nagle's algorithm: while calls are in flight a part-full chunk waits for company.
if not pick.full and not pick.urgent and in_flight > 0 then
  local returned = tonumber(call('HGET', STATS, 'last_return') or 0)
  local go_at = pick.oldest + policy.linger_ms
  if go_at > NOW and returned <= pick.oldest then return wait(go_at, 'linger') end
end

local wanted, wanted_of = pick.wanted, pick.wanted_of
if rated.items < wanted then
  if not (pick.urgent and rated.items > 0) then return wait(short_of('items', wanted)) end
  wanted = rated.items
end

-- Take them.
local cover = tonumber(call('HGET', STATS, 'dirs') or 0) > 0 and room.dir > 0 and not kind_held('dir')
local names, records, dir_at = {}, {}, {}
local of_kind, bytes, looked = {}, 0, 0
local most_looked = 4 * policy.max_items + 200
local max_bytes = policy.max_bytes or 0

-- Whether a dir's record stands in its lane, and goes no later than an item of this priority would.
local function may_cover(text, priority)
  return string.find(text, ' due=0 ', 1, true) and priority_of(string.sub(text, 6)) <= priority
end

local function dir_may_go(name, text)
  return quota_for(name, 'dir', priority_of(string.sub(text, 6)) == 0) >= 1
end

-- Whether a dir covers this item, one already in this batch or one that waits and may go; if so, the
-- item waits for it from now on. One that is to be put again after a purge goes by itself.
local function covered(name, text, priority)
  local above = ancestors(name)
  if #above == 0 then return false end
  local found = call('HMGET', PENDING, unpack(above))
  for i, dir in ipairs(above) do
    local of = found[i]
    if of and (dir_at[dir] or (may_cover(of, priority) and dir_may_go(dir, of))) then
      local record = parse(text)
      if string.sub(record.cause, 1, 7) == 'rebound' then return false end
      Coverage.cover(name, record, dir, string.match(of, '^lane=(%S+)'))
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
  local record = parse(text)
  local lane = string.match(record.lane, '^[^@]*') .. '@' .. host
  Coverage.move(name, record.lane, lane)
  record.lane = lane
  call('HSET', PENDING, name, pack(record))
  stand(name, record, false)
end

local byte_full = false
local seen = {}
-- Longer than any provider works on an item: what held it lets go much sooner.
local UNDER_WAY_MS = 3600000

-- The provider would refuse an item that it still works on, so it waits for that to end.
local function wait_for_earlier(name, text)
  local record = parse(text)
  -- A rebound was for an earlier purge than the one under way.
  if is_alone(record) then return drop(name, record) end
  Coverage.leave_lane(name, record.lane)
  record.due, record.cause = int(NOW + UNDER_WAY_MS), 'under-way'
  call('HSET', PENDING, name, pack(record))
  call('ZADD', DELAYED, record.due, name)
  call('HINCRBY', STATS, 'under_way', 1)
end
for _, lane in ipairs(pick.lanes) do
  local kind, key, own = lane.kind, T .. ':lane:' .. lane.name, 'lane=' .. lane.name .. ' '
  local urgent, spent = lane.priority == 0, false
  while not byte_full and not spent and #names < wanted and (of_kind[kind] or 0) < wanted_of[kind] and looked < most_looked do
    local ask = math.min(wanted - #names, wanted_of[kind] - (of_kind[kind] or 0), most_looked - looked, SLICE)
    local popped = call('LPOP', key, ask)
    if not popped or #popped == 0 then break end
    looked = looked + #popped
    local texts, rest = call('HMGET', PENDING, unpack(popped)), {}
    local holders = policy.not_while_open and call('HMGET', INFLIGHT, unpack(popped)) or {}
    for i, name in ipairs(popped) do
      local text = texts[i]
      -- Else a stale hint: gone, delayed, a second hint of the same item, or left by an earlier
      -- request that had more haste. One that was left in this lane when the item moved up is as
      -- good as its new one.
      if text and not seen[name] and string.find(text, ' due=0 ', 1, true)
        and (string.find(text, own, 1, true) == 1 or priority_of(string.sub(text, 6)) <= lane.priority) then
        byte_full = byte_full or (max_bytes > 0 and #names > 0 and bytes + #name > max_bytes)
        local left, stop, host = quota_for(name, kind, urgent)
        local of_host = left < 1 and stop[3] and not string.find(lane.name, '@', 1, true)
        spent = spent or (left < 1 and not of_host)
        if byte_full or spent then
          rest[#rest + 1] = name
        else
          seen[name] = true
          if cover and covered(name, text, lane.priority) then
            -- It waits for the dir.
          elseif holders[i] then
            wait_for_earlier(name, text)
          elseif of_host then
            wait_for_host(name, text, host)
          else
            quota_counts_in(kind, host)
            names[#names + 1] = name
            records[#names] = text
            bytes = bytes + #name
            of_kind[kind] = (of_kind[kind] or 0) + 1
            if kind == 'dir' then dir_at[name] = #names end
          end
        end
      end
    end
    for i = #rest, 1, -1 do call('LPUSH', key, rest[i]) end
  end
  local first = call('LINDEX', key, 0)
  if first then
    local text = call('HGET', PENDING, first)
    local since = text and string.match(text, ' since=(%d+)') or NOW
    call('ZADD', LANES, rank(lane.name, since), lane.name)
  else
    call('ZREM', LANES, lane.name)
  end
  -- What was chosen to go along with this lane has no right to go first.
  if #names == 0 then return { 'again' } end
end

local id = 'b' .. call('HINCRBY', STATS, 'seq', 1)
local key, reply = T .. ':batch:' .. id, {}
for from = 1, #names, SLICE do
  local to = math.min(from + SLICE - 1, #names)
  local fields, holders = {}, {}
  local others = call('HMGET', INFLIGHT, unpack(names, from, to))
  for i = from, to do
    -- As text: Redis formats a number anew, slowly, each time that it gets one.
    local name, index = names[i], tostring(i)
    if string.find(records[i], ' spill=1 ', 1, true) then
      rename(T .. ':waiters:' .. name, T .. ':waiters:' .. id .. ':' .. index)
    end
    local value = (dir_at[name] and Coverage.into_batch(name, records[i]) or records[i]) .. ' item=' .. name
    local other = others[i - from + 1]
    fields[#fields + 1] = index
    fields[#fields + 1] = value
    holders[#holders + 1] = name
    holders[#holders + 1] = other and other .. ',' .. id or id
    reply[#reply + 1] = index
    reply[#reply + 1] = name
    reply[#reply + 1] = value
  end
  call('HSET', key, unpack(fields))
  call('HSET', INFLIGHT, unpack(holders))
  call('HDEL', PENDING, unpack(names, from, to))
end
if of_kind.dir then call('HINCRBY', STATS, 'dirs', -of_kind.dir) end
call('HSET', key, 'items', #names, 'open', #names, 'polls', 0)
if policy.rebound then call('HSET', key, 'rebound', policy.rebound) end
take_permits(key, #names, of_kind)
return answer(id, key, #names, reply)
