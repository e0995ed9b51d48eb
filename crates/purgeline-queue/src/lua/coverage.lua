-- A waiting dir covers the items below it: an item that the dir's purge will cover waits for that to
-- end. Stands after lib.lua in scripts that change records or batches.
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

do

local COVERAGES, UNCOVERING = T .. ':coverages', T .. ':uncovering'
-- Longer than any dir waits that may go. So an item whose coverage has been lost goes too.
local COVERED_MS = 3600000
-- A list with so many hints that are surely stale is given up.
local STALE_HINTS = 1000

-- Why a dir may not go, as its record says until it is leased.
Coverage.HELD, Coverage.DAILY_QUOTA = 'held', 'daily-quota'
local MARKS = { held = '-', ['daily-quota'] = '-', ['rebound/held'] = 'rebound', ['rebound/daily-quota'] = 'rebound' }

local function covering_of(lane) return T .. ':covering:' .. lane end
local function list_of(id) return T .. ':covered:' .. id end
local function cause_of(text) return string.match(text, ' cause=(%S+) ') end

-- The id under which a record's text says that the item is covered; nil if it is not.
function Coverage.of(text) return string.match(text, ' cause=covered/(c%d+) ') end

-- Whether a dir's record covers what comes for an item of this priority: it stands in its lane, was
-- not found to be stopped, and goes no later than the item would by itself.
function Coverage.offers(text, priority)
  return string.find(text, ' due=0 ', 1, true) and priority_of(string.sub(text, 6)) <= priority and not MARKS[cause_of(text)]
end

-- The dirs of these ids that still wait in their lanes, false for those that do not.
function Coverage.dirs_of(ids) return call('HMGET', COVERAGES, unpack(ids)) end

-- The id under which a dir in this lane covers, a new one if it covered nothing so far.
function Coverage.id_of(dir, lane)
  local id = call('HGET', covering_of(lane), dir)
  if id then return id end
  id = 'c' .. call('HINCRBY', STATS, 'seq', 1)
  call('HSET', COVERAGES, id, dir)
  call('HSET', covering_of(lane), dir, id)
  return id
end

-- What a covered record's text says of its delay and its cause.
function Coverage.words(id) return int(NOW + COVERED_MS), 'covered/' .. id end

-- The coverage of a dir that leaves its lane gets no more items. Gives its id, nil if there is none.
function Coverage.seal(dir, lane)
  local id = call('HGET', covering_of(lane), dir)
  if not id then return nil end
  call('HDEL', covering_of(lane), dir)
  call('HDEL', COVERAGES, id)
  return id
end

-- Has the items of a sealed coverage return to their lanes.
function Coverage.release(id)
  call('RPUSH', UNCOVERING, id)
  call('PUBLISH', T .. ':wake', 'uncovering')
end

-- A record leaves its lane, or does not go before a time: what it covers is not made to wait.
function Coverage.leave_lane(name, lane)
  if not is_dir(name) then return end
  local id = Coverage.seal(name, lane)
  if id then Coverage.release(id) end
end

-- A record moves to another lane.
function Coverage.move(name, from, to)
  if from == to or not is_dir(name) then return end
  local id = call('HGET', covering_of(from), name)
  if not id then return end
  call('HDEL', covering_of(from), name)
  call('HSET', covering_of(to), name, id)
end

-- Lists items whose records say that this coverage of a dir has them.
function Coverage.list(id, names, dir, lane)
  for from = 1, #names, SLICE do
    local length = call('RPUSH', list_of(id), unpack(names, from, math.min(from + SLICE - 1, #names)))
    -- Its items return to their lanes, and the next lease covers them anew.
    if length > 2 * call('HLEN', PENDING) + STALE_HINTS then Coverage.leave_lane(dir, lane) end
  end
  call('HINCRBY', STATS, 'covered', #names)
end

-- Has an item that stands in its lane wait for a dir in this one, together with all that it covers itself.
function Coverage.cover(name, record, dir, lane)
  local own = is_dir(name) and Coverage.seal(name, record.lane)
  local id = Coverage.id_of(dir, lane)
  if own then call('RPUSH', list_of(id), '@' .. own) end
  record.due, record.cause = Coverage.words(id)
  record.latest = ''
  call('HSET', PENDING, name, pack(record))
  call('ZADD', DELAYED, record.due, name)
  Coverage.list(id, { name }, dir, lane)
end

-- All dirs of a lane that may not go cover nothing until they are leased: `why` marks their records.
-- At most so many a call; gives how many there were.
function Coverage.stop_lane(lane, why, most)
  local found = call('HRANDFIELD', covering_of(lane), most, 'WITHVALUES')
  for at = 1, #found, 2 do
    local dir = found[at]
    local text = call('HGET', PENDING, dir)
    if text then
      local record = parse(text)
      record.cause = (string.sub(record.cause, 1, 7) == 'rebound' and 'rebound/' or '') .. why
      call('HSET', PENDING, dir, pack(record))
    end
    Coverage.leave_lane(dir, lane)
  end
  return #found / 2
end

-- A dir's text when it is leased, with the coverage that goes along.
function Coverage.into_batch(dir, text)
  local id = Coverage.seal(dir, string.match(text, '^lane=(%S+)'))
  local mark = cause_of(text)
  if MARKS[mark] then text = string.gsub(text, ' cause=%S+ ', ' cause=' .. MARKS[mark] .. ' ', 1) end
  return id and text .. ' covers=' .. id or text
end

-- The dir's purge has ended well: drain.lua settles what it covered.
function Coverage.settle(id, batch) call('RPUSH', SETTLING, list_of(id) .. ' covered ' .. batch) end

-- The names among these that this coverage still has, the texts of their records, and the ids of
-- coverages that it has as a whole.
function Coverage.still(id, names)
  local mine, texts, whole, seen = {}, {}, {}, {}
  for i, text in ipairs(call('HMGET', PENDING, unpack(names))) do
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
function Coverage.free(name, record)
  no_delay(record)
  record.cause = '-'
  call('ZREM', DELAYED, name)
end

-- Has items that are all covered return to their lanes.
local function return_to_lanes(names, texts)
  local writes, lanes = {}, {}
  for i, name in ipairs(names) do
    local record = parse(texts[i])
    no_delay(record)
    record.cause = '-'
    writes[#writes + 1] = name
    writes[#writes + 1] = pack(record)
    local lane = lanes[record.lane] or { since = math.huge }
    lanes[record.lane] = lane
    lane.since = math.min(lane.since, tonumber(record.since))
    lane[#lane + 1] = name
  end
  call('HSET', PENDING, unpack(writes))
  call('ZREM', DELAYED, unpack(names))
  for lane, its in pairs(lanes) do
    call('RPUSH', T .. ':lane:' .. lane, unpack(its))
    call('ZADD', LANES, 'LT', rank(lane, its.since), lane)
  end
end

-- Items of released coverages return to their lanes, at most so many a call (SLICE or fewer). Gives whether there are more.
function Coverage.uncover(most)
  while most > 0 do
    local id = call('LINDEX', UNCOVERING, 0)
    if not id then return false end
    local names = call('LPOP', list_of(id), most)
    if names then
      most = most - #names
      local mine, texts, whole = Coverage.still(id, names)
      if #whole > 0 then call('RPUSH', UNCOVERING, unpack(whole)) end
      if #mine > 0 then return_to_lanes(mine, texts) end
    else
      most = most - 1
      call('LPOP', UNCOVERING)
    end
  end
  return call('EXISTS', UNCOVERING) == 1
end

end
