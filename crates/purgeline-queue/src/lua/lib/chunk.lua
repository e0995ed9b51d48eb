-- Takes the items of a call from the lanes that a decision picked.
--
-- A chunk holds what was taken so far:
--   names, records  of its items, in their order      of_kind  how many items of each kind
--   bytes           of the names                      dir_at   name of a dir -> its place
--   looked          hints that were looked at         seen     names that were found to be no stale hints
--   is_full         no further name fits in its bytes
--   cover           whether a dir may cover items

local Chunk = {}

-- Longer than any provider works on an item: what held it lets go much sooner.
local UNDER_WAY_MS = 3600000

local function new(ctx, decision)
  local policy = decision.policy
  local has_dirs = tonumber(redis.call('HGET', ctx.stats, 'dirs') or 0) > 0
  return { names = {}, records = {}, of_kind = {}, bytes = 0, dir_at = {}, looked = 0, seen = {}, is_full = false,
    most_looked = 4 * policy.max_items + 200, max_bytes = policy.max_bytes or 0, not_while_open = policy.not_while_open,
    cover = has_dirs and decision.room.dir > 0 and not Holds.of_kind(ctx, 'dir') }
end

local function dir_may_go(ctx, name, text)
  return Quota.room_for(ctx, name, 'dir', Names.priority_of(string.sub(text, 6)) == 0) >= 1
end

-- Whether a dir covers this item, one already in this chunk or one that waits and may go; if so, the
-- item waits for it from now on. One that is to be put again after a purge goes by itself.
local function covered(ctx, chunk, name, text, priority)
  local above = Names.ancestors(name)
  if #above == 0 then return false end
  local found = redis.call('HMGET', ctx.pending, unpack(above))
  for i, dir in ipairs(above) do
    local of = found[i]
    if of and (chunk.dir_at[dir] or (Coverage.goes_before(of, priority) and dir_may_go(ctx, dir, of))) then
      local record = Record.parse(text)
      if string.sub(record.cause, 1, 7) == 'rebound' then return false end
      Coverage.cover(ctx, name, record, dir, string.match(of, '^lane=(%S+)'))
      return true
    end
  end
  return false
end

-- The item's lane was made before its host had a quota of its own, and that is spent: it waits in one
-- for its host, and stops nobody else.
local function wait_for_host(ctx, name, text, host)
  local record = Record.parse(text)
  local lane = string.match(record.lane, '^[^@]*') .. '@' .. host
  Coverage.move(ctx, name, record.lane, lane)
  record.lane = lane
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  Pending.push_hint(ctx, name, record, false)
end

-- The provider would refuse an item that it still works on, so it waits for that to end.
local function wait_for_earlier(ctx, name, text)
  local record = Record.parse(text)
  -- A rebound was for an earlier purge than the one under way.
  if Record.is_alone(record) then return Pending.remove(ctx, name, record) end
  Coverage.leave_lane(ctx, name, record.lane)
  record.due, record.cause = Text.int(ctx.now + UNDER_WAY_MS), 'under-way'
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  redis.call('ZADD', ctx.delayed, record.due, name)
  redis.call('HINCRBY', ctx.stats, 'under_way', 1)
end

local function add(ctx, chunk, name, text, kind, host)
  Quota.count_in(ctx, kind, host)
  local names = chunk.names
  names[#names + 1] = name
  chunk.records[#names] = text
  chunk.bytes = chunk.bytes + #name
  chunk.of_kind[kind] = (chunk.of_kind[kind] or 0) + 1
  if kind == 'dir' then chunk.dir_at[name] = #names end
end

-- Whether a hint in a lane leads to a record. Else it is stale: the record is gone, delayed, was found
-- by another hint, or left by an earlier request that had more haste. A hint that was left in this lane
-- when the item moved up is as good as its new one.
local function leads_to(chunk, lane, name, text)
  return text and not chunk.seen[name] and string.find(text, ' due=0 ', 1, true)
    and (string.find(text, lane.own, 1, true) == 1 or Names.priority_of(string.sub(text, 6)) <= lane.priority)
end

-- Takes so many hints from a lane. Gives whether the quota of its items is spent.
local function take_hints(ctx, chunk, lane, ask)
  local kind, urgent, spent, max_bytes = lane.kind, lane.priority == 0, false, chunk.max_bytes
  local popped = redis.call('LPOP', lane.key, ask)
  if not popped or #popped == 0 then return true end
  chunk.looked = chunk.looked + #popped
  local texts, rest = redis.call('HMGET', ctx.pending, unpack(popped)), {}
  local holders = chunk.not_while_open and redis.call('HMGET', ctx.inflight, unpack(popped)) or {}
  for i, name in ipairs(popped) do
    local text = texts[i]
    if leads_to(chunk, lane, name, text) then
      if max_bytes > 0 and #chunk.names > 0 and chunk.bytes + #name > max_bytes then chunk.is_full = true end
      local left, stop, host = Quota.room_for(ctx, name, kind, urgent)
      local of_host = left < 1 and stop[3] and not string.find(lane.name, '@', 1, true)
      spent = spent or (left < 1 and not of_host)
      if chunk.is_full or spent then
        rest[#rest + 1] = name
      else
        chunk.seen[name] = true
        if chunk.cover and covered(ctx, chunk, name, text, lane.priority) then
          -- It waits for the dir.
        elseif holders[i] then
          wait_for_earlier(ctx, name, text)
        elseif of_host then
          wait_for_host(ctx, name, text, host)
        else
          add(ctx, chunk, name, text, kind, host)
        end
      end
    end
  end
  for i = #rest, 1, -1 do redis.call('LPUSH', lane.key, rest[i]) end
  return spent
end

-- Ranks a lane by the hint that is the first now.
local function rank_again(ctx, lane)
  local first = redis.call('LINDEX', lane.key, 0)
  if not first then return redis.call('ZREM', ctx.lanes, lane.name) end
  local text = redis.call('HGET', ctx.pending, first)
  local since = text and string.match(text, ' since=(%d+)') or ctx.now
  redis.call('ZADD', ctx.lanes, Names.rank(lane.name, since), lane.name)
end

-- Dirs before what has the same haste, so that items under them in this very call are seen to be
-- covered; else in the order of their rank.
local function goes_first(a, b)
  if a.priority ~= b.priority then return a.priority < b.priority end
  if (a.kind == 'dir') ~= (b.kind == 'dir') then return a.kind == 'dir' end
  return a.order < b.order
end

-- Takes the items that were picked. Its names are empty if the first lane had only stale hints, or items
-- that wait for something else now.
function Chunk.take(ctx, decision, pick)
  local chunk, wanted = new(ctx, decision), pick.wanted
  table.sort(pick.lanes, goes_first)
  for _, lane in ipairs(pick.lanes) do
    lane.key, lane.own = Keys.lane(ctx, lane.name), 'lane=' .. lane.name .. ' '
    local wanted_of, spent = pick.wanted_of[lane.kind], false
    while not spent and not chunk.is_full and chunk.looked < chunk.most_looked do
      local ask = math.min(wanted - #chunk.names, wanted_of - (chunk.of_kind[lane.kind] or 0),
        chunk.most_looked - chunk.looked, Text.SLICE)
      if ask < 1 then break end
      spent = take_hints(ctx, chunk, lane, ask)
    end
    rank_again(ctx, lane)
    -- What was chosen to go along with this lane has no right to go first.
    if #chunk.names == 0 then break end
  end
  return chunk
end

-- Writes a chunk down as a batch of this id and this key. Gives index, name and record of its items.
function Chunk.write(ctx, chunk, id, key)
  local names, records, reply = chunk.names, chunk.records, {}
  for from = 1, #names, Text.SLICE do
    local to = math.min(from + Text.SLICE - 1, #names)
    local fields, holders, expiring = {}, {}, {}
    local others = redis.call('HMGET', ctx.inflight, unpack(names, from, to))
    for i = from, to do
      -- As text: Redis formats a number anew, slowly, each time that it gets one.
      local name, index, record = names[i], tostring(i), records[i]
      if string.find(record, ' spill=1 ', 1, true) then
        Waiters.rename(Keys.waiters(ctx, name), Keys.batch_waiters(ctx, id, index))
      end
      if string.find(record, '!', 1, true) then expiring[#expiring + 1] = name end
      if chunk.dir_at[name] then record = Coverage.into_batch(ctx, name, record) end
      local value = record .. ' item=' .. name
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
    -- What a call holds does not expire; what comes back is entered again.
    if #expiring > 0 then redis.call('ZREM', ctx.expiring, unpack(expiring)) end
  end
  if chunk.of_kind.dir then redis.call('HINCRBY', ctx.stats, 'dirs', -chunk.of_kind.dir) end
  redis.call('HSET', key, 'items', #names, 'open', #names, 'polls', 0)
  return reply
end

return Chunk
