-- A waiting dir covers the items below it: an item that the dir's purge will cover waits for that to
-- end.
--
-- A covered item keeps a record of its own, with cause=covered/ID. When the dir's purge ends well,
-- drain.lua settles the items that it covered. However else the dir ends, and when it may not go, they
-- return to their lanes: no item waits for a dir that cannot go, or fails with one.
--
-- coverages         hash: coverage id -> dir, as long as the dir's record stands in its lane
-- covering:<lane>   hash: dir -> coverage id, of the dirs of that lane that cover something
-- covered:<id>      list of the names that it covers. Hints, as in lanes: an item is covered as long as
--                   its record says so, and an id is never given twice. @ID: all that another coverage
--                   has, whose dir is covered itself
-- uncovering        list of coverage ids whose items are to return to their lanes
--
-- A coverage is sealed when its dir leaves its lane: nothing joins it then. It goes on in the dir's
-- batch (`covers=ID` behind the jobs), or is released.

local Coverage = {}

-- Longer than any dir waits that may go. So an item whose coverage has been lost goes too.
local COVERED_MS = 3600000
-- A list with so many hints that are surely stale is given up.
local STALE_HINTS = 1000

-- Why a dir may not go, as its record says until it is leased.
Coverage.HELD = 'held'
Coverage.DAILY_QUOTA = 'daily-quota'
local MARKS = { held = '-', ['daily-quota'] = '-', ['rebound/held'] = 'rebound', ['rebound/daily-quota'] = 'rebound' }

local function cause_of(text) return string.match(text, ' cause=(%S+) ') end

-- The id under which a record's text says that the item is covered; nil if it is not.
function Coverage.of(text) return string.match(text, ' cause=covered/(c%d+) ') end

-- Whether a dir's record stands in its lane, and goes no later than an item of this priority would.
function Coverage.goes_before(text, priority)
  return string.find(text, ' due=0 ', 1, true) and Names.priority_of(string.sub(text, 6)) <= priority
end

-- The same of a dir that was not found to be stopped: it covers what comes.
function Coverage.offers(text, priority) return Coverage.goes_before(text, priority) and not MARKS[cause_of(text)] end

-- The dirs of these ids that still wait in their lanes, false for those that do not.
function Coverage.dirs_of(ctx, ids) return redis.call('HMGET', ctx.coverages, unpack(ids)) end

-- The id under which a dir in this lane covers, a new one if it covered nothing so far.
function Coverage.id_of(ctx, dir, lane)
  local id = redis.call('HGET', Keys.covering(ctx, lane), dir)
  if id then return id end
  id = 'c' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
  redis.call('HSET', ctx.coverages, id, dir)
  redis.call('HSET', Keys.covering(ctx, lane), dir, id)
  return id
end

-- What a covered record's text says of its delay and its cause.
function Coverage.words(ctx, id) return Text.int(ctx.now + COVERED_MS), 'covered/' .. id end

-- The coverage of a dir that leaves its lane gets no more items. Gives its id, nil if there is none.
function Coverage.seal(ctx, dir, lane)
  local id = redis.call('HGET', Keys.covering(ctx, lane), dir)
  if not id then return nil end
  redis.call('HDEL', Keys.covering(ctx, lane), dir)
  redis.call('HDEL', ctx.coverages, id)
  return id
end

-- Has the items of a sealed coverage return to their lanes.
function Coverage.release(ctx, id)
  redis.call('RPUSH', ctx.uncovering, id)
  redis.call('PUBLISH', ctx.wake, 'uncovering')
end

-- A record leaves its lane, or does not go before a time: what it covers is not made to wait.
function Coverage.leave_lane(ctx, name, lane)
  if not Names.is_dir(name) then return end
  local id = Coverage.seal(ctx, name, lane)
  if id then Coverage.release(ctx, id) end
end

-- A record moves to another lane.
function Coverage.move(ctx, name, from, to)
  if from == to or not Names.is_dir(name) then return end
  local id = redis.call('HGET', Keys.covering(ctx, from), name)
  if not id then return end
  redis.call('HDEL', Keys.covering(ctx, from), name)
  redis.call('HSET', Keys.covering(ctx, to), name, id)
end

-- Lists items whose records say that this coverage of a dir has them.
function Coverage.list(ctx, id, names, dir, lane)
  for from = 1, #names, Text.SLICE do
    local length = redis.call('RPUSH', Keys.covered(ctx, id), unpack(names, from, math.min(from + Text.SLICE - 1, #names)))
    -- Its items return to their lanes, and the next lease covers them anew.
    if length > 2 * redis.call('HLEN', ctx.pending) + STALE_HINTS then Coverage.leave_lane(ctx, dir, lane) end
  end
  redis.call('HINCRBY', ctx.stats, 'covered', #names)
end

-- Has an item that stands in its lane wait for a dir in this one, together with all that it covers itself.
function Coverage.cover(ctx, name, record, dir, lane)
  local own = Names.is_dir(name) and Coverage.seal(ctx, name, record.lane)
  local id = Coverage.id_of(ctx, dir, lane)
  if own then redis.call('RPUSH', Keys.covered(ctx, id), '@' .. own) end
  record.due, record.cause = Coverage.words(ctx, id)
  record.latest = ''
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  redis.call('ZADD', ctx.delayed, record.due, name)
  Coverage.list(ctx, id, { name }, dir, lane)
end

-- All dirs of a lane that may not go cover nothing until they are leased: `why` marks their records.
-- At most so many a call; gives how many there were.
function Coverage.stop_lane(ctx, lane, why, most)
  local found = redis.call('HRANDFIELD', Keys.covering(ctx, lane), most, 'WITHVALUES')
  for at = 1, #found, 2 do
    local dir = found[at]
    local text = redis.call('HGET', ctx.pending, dir)
    if text then
      local record = Record.parse(text)
      record.cause = (string.sub(record.cause, 1, 7) == 'rebound' and 'rebound/' or '') .. why
      redis.call('HSET', ctx.pending, dir, Record.pack(record))
    end
    Coverage.leave_lane(ctx, dir, lane)
  end
  return #found / 2
end

-- A dir's text when it is leased, with the coverage that goes along.
function Coverage.into_batch(ctx, dir, text)
  local id = Coverage.seal(ctx, dir, string.match(text, '^lane=(%S+)'))
  local mark = cause_of(text)
  if MARKS[mark] then text = string.gsub(text, ' cause=%S+ ', ' cause=' .. MARKS[mark] .. ' ', 1) end
  return id and text .. ' covers=' .. id or text
end

-- The dir's purge has ended well: drain.lua settles what it covered.
function Coverage.settle(ctx, id, batch) redis.call('RPUSH', ctx.settling, Keys.covered(ctx, id) .. ' covered ' .. batch) end

-- The names among these that this coverage still has, the texts of their records, and the ids of
-- coverages that it has as a whole.
function Coverage.still(ctx, id, names)
  local mine, texts, whole, seen = {}, {}, {}, {}
  for i, text in ipairs(redis.call('HMGET', ctx.pending, unpack(names))) do
    local name = names[i]
    if text and not seen[name] and Coverage.of(text) == id then
      seen[name] = true
      mine[#mine + 1] = name
      texts[#texts + 1] = text
    elseif string.sub(name, 1, 1) == '@' then
      whole[#whole + 1] = string.sub(name, 2)
    end
  end
  return mine, texts, whole
end

-- A record waits for no dir any more; the caller writes it.
function Coverage.free(ctx, name, record)
  Record.no_delay(record)
  record.cause = '-'
  redis.call('ZREM', ctx.delayed, name)
end

-- Has items that are all covered return to their lanes.
local function return_to_lanes(ctx, names, texts)
  local writes, lanes = {}, {}
  for i, name in ipairs(names) do
    local record = Record.parse(texts[i])
    Record.no_delay(record)
    record.cause = '-'
    writes[#writes + 1] = name
    writes[#writes + 1] = Record.pack(record)
    local lane = lanes[record.lane] or { since = math.huge }
    lanes[record.lane] = lane
    lane.since = math.min(lane.since, tonumber(record.since))
    lane[#lane + 1] = name
  end
  redis.call('HSET', ctx.pending, unpack(writes))
  redis.call('ZREM', ctx.delayed, unpack(names))
  for lane, its in pairs(lanes) do
    redis.call('RPUSH', Keys.lane(ctx, lane), unpack(its))
    redis.call('ZADD', ctx.lanes, 'LT', Names.rank(lane, its.since), lane)
  end
end

-- Items of released coverages return to their lanes, at most so many a call (Text.SLICE or fewer). Gives
-- whether there are more.
function Coverage.uncover(ctx, most)
  while most > 0 do
    local id = redis.call('LINDEX', ctx.uncovering, 0)
    if not id then return false end
    local names = redis.call('LPOP', Keys.covered(ctx, id), most)
    if names then
      most = most - #names
      local mine, texts, whole = Coverage.still(ctx, id, names)
      if #whole > 0 then redis.call('RPUSH', ctx.uncovering, unpack(whole)) end
      if #mine > 0 then return_to_lanes(ctx, mine, texts) end
    else
      most = most - 1
      redis.call('LPOP', ctx.uncovering)
    end
  end
  return redis.call('EXISTS', ctx.uncovering) == 1
end

return Coverage
