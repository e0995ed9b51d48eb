-- Takes the next batch of a target, if one may go now: decides at once whether the target is
-- held, whether the fleet's limits allow a call and with how many items, whether the chunk is
-- full enough, and which items go. The permits are taken with it.
--
-- KEYS  2 the account's base key
-- ARGV  2 worker    3 policy, as JSON: see LeasePolicy
-- returns {'batch', id, lease deadline, count, then for each item: index, name, record}
--         {'wait', ms until it is worth asking again (0: unknown), why}
--         {'again'}   only stale hints were found; ask again at once
-- bound O(items of a call); hints looked at: 4 a possible item and 200 more; 64 lanes;
-- 500 items whose delay has passed

local worker, policy = ARGV[2], cjson.decode(ARGV[3])
local headroom = policy.headroom_ms

local function wait(till, why)
  return { 'wait', till > 0 and int(math.max(till - NOW, 1)) or '0', why }
end

local till, why = held()
if till then return wait(till, why) end

local in_flight = call('ZCARD', LEASES)
if in_flight >= policy.max_in_flight then return wait(0, 'in_flight') end

-- What the windows leave for this call, by unit.
local room = { items = policy.max_items, url = policy.max_of_kind.url or 0, dir = policy.max_of_kind.dir or 0,
  resource = policy.max_of_kind.resource or 0 }
local UNIT_ROOM = { items = 'items', urls = 'url', dirs = 'dir' }
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

local function take_permits(total, of_kind)
  for _, rate in ipairs(policy.rates) do take(rate, headroom, counted(rate, total, of_kind)) end
end

-- When the windows have room for so many, ms; nil if they have it now.
local function short_of(total, of_kind)
  local latest, which
  for _, rate in ipairs(policy.rates) do
    local need = math.min(counted(rate, total, of_kind), rate.max)
    if need > 0 and free(rate, headroom) < need then
      local at = free_at(rate, headroom, need)
      if not latest or at > latest then latest, which = at, rate.name end
    end
  end
  return latest, which
end

local function lease(id, key)
  local deadline = NOW + policy.lease_ms
  call('HSET', key, 'state', 'leased', 'worker', worker, 'leased_at', int(NOW))
  call('ZADD', LEASES, int(deadline), id)
  call('HINCRBY', STATS, 'leased', 1)
  return int(deadline)
end

local function answer(id, deadline, count, items)
  local reply = { 'batch', id, deadline, tostring(count) }
  for i = 1, #items do reply[4 + i] = items[i] end
  return reply
end

-- A batch that was split waits ready: its items are already chosen.
local ready = call('LINDEX', READY, 0)
if ready then
  local key, of_kind, total = T .. ':batch:' .. ready, {}, 0
  local fields, reply = call('HGETALL', key), {}
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      local item = batch_item(fields[at + 1])
      local kind = kind_of_name(item.name)
      total, of_kind[kind] = total + 1, (of_kind[kind] or 0) + 1
      reply[#reply + 1] = fields[at]
      reply[#reply + 1] = item.name
      reply[#reply + 1] = fields[at + 1]
    end
  end
  if total > 0 then
    local at, which = short_of(total, of_kind)
    if at then return wait(at, 'rate ' .. which) end
  end
  call('LPOP', READY)
  if total == 0 then return { 'again' } end
  take_permits(total, of_kind)
  return answer(ready, lease(ready, key), total, reply)
end

-- Items whose delay has passed stand in their lanes again.
local due = call('ZRANGEBYSCORE', DELAYED, '-inf', int(NOW), 'LIMIT', 0, 500)
if #due > 0 then
  local texts = call('HMGET', PENDING, unpack(due))
  for i, name in ipairs(due) do
    if texts[i] then
      local record = parse(texts[i])
      record.due = '0'
      call('HSET', PENDING, name, pack(record))
      call('RPUSH', T .. ':lane:' .. record.lane, name)
      call('ZADD', LANES, 'LT', rank(record.lane, record.since), record.lane)
    end
  end
  call('ZREM', DELAYED, unpack(due))
end

-- The lanes that share this call: the first in rank, and those that may go with it.
local chosen, action_of, hosts, host_count = {}, {}, {}, 0
local available, urgent, oldest, held_till, held_kind = { items = 0 }, false, nil, nil, nil
local kinds_held = {}
local ranked = call('ZRANGE', LANES, 0, 63, 'WITHSCORES')
for at = 1, #ranked, 2 do
  local lane = ranked[at]
  local length = call('LLEN', T .. ':lane:' .. lane)
  local kind = kind_of_lane(lane)
  if kinds_held[kind] == nil then kinds_held[kind] = kind_held(kind) or false end
  if length == 0 then
    call('ZREM', LANES, lane)
  elseif kinds_held[kind] then
    local till = kinds_held[kind]
    if till > 0 and (not held_till or till < held_till) then held_till = till end
    held_kind = kind
  else
    local action = string.match(lane, '^%l+/%l+%+(%l+)') or 'default'
    local host = string.match(lane, '@(.*)$')
    local fits = (#chosen == 0 or policy.mix_kinds or action_of[kind])
      and (not action_of[kind] or action_of[kind] == action)
      and (not host or hosts[host] or host_count < policy.max_hosts)
    if fits then
      chosen[#chosen + 1] = lane
      action_of[kind] = action
      if host and not hosts[host] then hosts[host], host_count = true, host_count + 1 end
      available[kind] = (available[kind] or 0) + length
      available.items = available.items + length
      if priority_of(lane) == 0 then urgent = true end
      local since = tonumber(ranked[at + 1]) - priority_of(lane) * 1e14
      if not oldest or since < oldest then oldest = since end
    end
  end
end
if #chosen == 0 then
  local next_due = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')[2]
  local till = tonumber(next_due or 0)
  if held_till and (till == 0 or held_till < till) then till = held_till end
  return wait(till, held_kind and ('held ' .. held_kind) or (next_due and 'delayed' or 'empty'))
end

-- Full: nothing more could go along, in one kind at least or together.
local wanted, full = 0, false
local wanted_of = {}
for kind in pairs(action_of) do
  wanted_of[kind] = math.min(available[kind], room[kind])
  if available[kind] >= room[kind] then full = true end
  wanted = wanted + wanted_of[kind]
end
if wanted >= room.items then wanted, full = room.items, true end

-- Like Nagle's algorithm: while calls are in flight a part-full chunk waits for company.
if not full and not urgent and in_flight > 0 then
  local returned = tonumber(call('HGET', STATS, 'last_return') or 0)
  local go_at = oldest + policy.linger_ms
  if go_at > NOW and returned <= oldest then return wait(go_at, 'linger') end
end

-- The windows must have room for the whole chunk: a small call now would make a small one later.
for kind in pairs(action_of) do
  if rated[kind] < wanted_of[kind] or rated.items < wanted then
    if urgent and rated[kind] > 0 and rated.items > 0 then
      wanted_of[kind] = math.min(wanted_of[kind], rated[kind])
      wanted = math.min(wanted, rated.items)
    else
      local at, which = short_of(wanted, wanted_of)
      if at then return wait(at, 'rate ' .. which) end
    end
  end
end

-- Take them.
local cover = dirs_cover()
local names, records, dir_at = {}, {}, {}
local of_kind, bytes, looked = {}, 0, 0
local most_looked = 4 * policy.max_items + 200
local max_bytes = policy.max_bytes or 0
local joined_later = {} -- waiting dirs that got the jobs of urls they cover: name -> text

-- Whether a dir covers this item: one already in this batch, or one that waits.
local function covered(name, text)
  local above = ancestors(name)
  if #above == 0 then return false end
  local found = call('HMGET', PENDING, unpack(above))
  for i, dir in ipairs(above) do
    local to = joined_later[dir] or found[i]
    if dir_at[dir] or (to and string.find(to, ' due=0 ', 1, true)) then
      local record = parse(text)
      local spilled = T .. ':waiters:' .. name
      if record.spill == '1' then
        -- The name is free for a new record, so the list needs one of its own.
        local moved = T .. ':waiters:covered:' .. call('HINCRBY', STATS, 'seq', 1)
        call('RENAME', spilled, moved)
        spilled = moved
      end
      call('HDEL', PENDING, name)
      joined_later[name] = nil
      if kind_of_name(name) == 'dir' then call('HINCRBY', STATS, 'dirs', -1) end
      if dir_at[dir] then
        records[dir_at[dir]] = join_all(dir, records[dir_at[dir]], record, spilled)
      else
        joined_later[dir] = join_all(dir, to, record, spilled)
        call('HSET', PENDING, dir, joined_later[dir])
      end
      call('HINCRBY', STATS, 'covered', 1)
      return true
    end
  end
  return false
end

-- Dirs first, so that urls under them in this very call are seen to be covered.
table.sort(chosen, function(a, b)
  local da, db = kind_of_lane(a) == 'dir' and 0 or 1, kind_of_lane(b) == 'dir' and 0 or 1
  if da ~= db then return da < db end
  return priority_of(a) < priority_of(b)
end)
local byte_full = false
local seen = {}
for _, lane in ipairs(chosen) do
  local kind, key = kind_of_lane(lane), T .. ':lane:' .. lane
  while not byte_full and #names < wanted and (of_kind[kind] or 0) < wanted_of[kind] and looked < most_looked do
    local ask = math.min(wanted - #names, wanted_of[kind] - (of_kind[kind] or 0), most_looked - looked)
    local popped = call('LPOP', key, ask)
    if not popped or #popped == 0 then break end
    looked = looked + #popped
    local texts = call('HMGET', PENDING, unpack(popped))
    for i, name in ipairs(popped) do
      local text = texts[i]
      -- Else a stale hint: gone, moved to another lane, delayed, or a second hint of the same item.
      if text and not seen[name] and string.sub(text, 6, 6 + #lane) == lane .. ' '
        and string.find(text, ' due=0 ', 1, true) then
        if byte_full then
          call('LPUSH', key, name)
        elseif max_bytes > 0 and #names > 0 and bytes + #name > max_bytes then
          byte_full = true
          call('LPUSH', key, name)
        else
          seen[name] = true
          -- A dir that waits may have got jobs since it was read.
          text = joined_later[name] or text
          if not (cover and covered(name, text)) then
            names[#names + 1] = name
            records[#names] = text
            bytes = bytes + #name
            of_kind[kind] = (of_kind[kind] or 0) + 1
            if kind == 'dir' then dir_at[name] = #names end
          end
        end
      end
    end
  end
  local head = call('LINDEX', key, 0)
  if head then
    local text = call('HGET', PENDING, head)
    local since = text and string.match(text, ' since=(%d+)') or NOW
    call('ZADD', LANES, rank(lane, since), lane)
  else
    call('ZREM', LANES, lane)
  end
end
if #names == 0 then return { 'again' } end

local id = 'b' .. call('HINCRBY', STATS, 'seq', 1)
local key = T .. ':batch:' .. id
local fields, held_items, reply = {}, {}, {}
for i, name in ipairs(names) do
  if string.find(records[i], ' spill=1 ', 1, true) then
    call('RENAME', T .. ':waiters:' .. name, T .. ':waiters:' .. id .. ':' .. i)
  end
  fields[#fields + 1] = i
  fields[#fields + 1] = records[i] .. ' item=' .. name
  held_items[#held_items + 1] = name
  held_items[#held_items + 1] = id
  reply[#reply + 1] = tostring(i)
  reply[#reply + 1] = name
  reply[#reply + 1] = records[i] .. ' item=' .. name
end
for at = 1, #fields, 1000 do
  local to = math.min(at + 999, #fields)
  call('HSET', key, unpack(fields, at, to))
  call('HSET', INFLIGHT, unpack(held_items, at, to))
end
for at = 1, #names, 1000 do call('HDEL', PENDING, unpack(names, at, math.min(at + 999, #names))) end
if of_kind.dir then call('HINCRBY', STATS, 'dirs', -of_kind.dir) end
call('HSET', key, 'items', #names, 'open', #names, 'polls', 0)
take_permits(#names, of_kind)
return answer(id, lease(id, key), #names, reply)
