-- Shared by every script of a target; stands in front of each.
--
-- KEYS[1] is the target's base key, purgeline:v1:{account}:target. All other keys of the target, and
-- those that an account's targets share, derive from it and lie in its slot, by the hash tag.
-- ARGV[1] is the time in ms, or '' for Redis's own: only tests hand one in.
--
-- A pending record is text that an operator can read:
--   lane=normal/url since=1763700000000 attempts=0 due=0 cause=- spill=0 jobs=01J…,01J…
--   since    when the item was first asked for, ms
--   attempts sends so far; 2/1: one of them was accepted and never came to an end
--   due      0: it stands in its lane; else it is delayed until then, ms. 7/9: it waits for quiet: one
--            more request that wants quiet delays it further, until 9 at most, any other lets it go
--   cause    code of the last failed attempt, - if none; under-way: the provider works on an earlier
--            request for the item and would refuse this one; covered/ID: a dir will purge it, see
--            coverage.lua; held, daily-quota: this dir covers nothing, since it may not go; rebound,
--            rebound/CODE: it is also put again after its last purge, so it may have no waiting jobs
--   spill    1: further waiting jobs are in the list waiters:<item>
--   jobs     waiting jobs; !1763700000000: of no use to that job after then, ms
-- jobs stands last, so that one more job is an append. In a batch ` covers=ID` may follow, the coverage
-- that a leased dir has, and then ` item=NAME`.

local T = KEYS[1]
local A, NAME = string.match(T, '^(.*):([^:]*)$')
local PENDING, LANES, DELAYED, INFLIGHT = T .. ':pending', T .. ':lanes', T .. ':delayed', T .. ':inflight'
local LEASES, POLLS, READY, HOLD, STATS = T .. ':leases', T .. ':polls', T .. ':ready', T .. ':hold', T .. ':stats'
local OUTBOX, SETTLING, DEAD = T .. ':outbox', T .. ':settling', T .. ':dead'
-- Requests that must not go before a time: 'MS NAME' -> record, and in the order of their times.
local EMBARGOED, EMBARGOES = T .. ':embargoed', T .. ':embargoes'
-- Items of which a waiting job has no use after a time, by the first such time. A hint, as in lanes.
local EXPIRING = T .. ':expiring'

-- Longer records put further waiting jobs in a list of their own: about nine job ids.
local RECORD_BYTES = 360
-- Names of one variadic call: Lua unpacks a few thousand at most.
local SLICE = 1000
-- The deepest dir that is looked for above an item.
local ANCESTORS = 32

local call = redis.call

-- What coverage.lua says.
local Coverage = {}

local function int(number) return string.format('%.0f', number) end

local NOW = tonumber(ARGV[1])
if not NOW then
  local time = call('TIME')
  NOW = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A list of waiting jobs gets another name. That somebody has deleted it must stop nobody else.
local function rename(from, to) redis.pcall('RENAME', from, to) end

local function pack(record)
  local unanswered = tonumber(record.unanswered)
  return 'lane=' .. record.lane .. ' since=' .. record.since .. ' attempts=' .. record.attempts
    .. (unanswered > 0 and '/' .. unanswered or '') .. ' due=' .. record.due .. (record.latest ~= '' and '/' .. record.latest or '')
    .. ' cause=' .. record.cause .. ' spill=' .. record.spill .. ' jobs=' .. record.jobs
end

local function parse(text)
  local lane, since, attempts, unanswered, due, latest, cause, spill, jobs = string.match(text,
    '^lane=(%S+) since=(%d+) attempts=(%d+)/?(%d*) due=(%d+)/?(%d*) cause=(%S+) spill=(%d) jobs=(%S*)')
  return { lane = lane, since = since, attempts = attempts, unanswered = tonumber(unanswered) or 0, due = due,
    latest = latest, cause = cause, spill = spill, jobs = jobs }
end

-- It may go as far as its delay is concerned.
local function no_delay(record) record.due, record.latest = '0', '' end

-- Whether no job waits for a record: it is there for a rebound alone.
local function is_alone(record) return record.jobs == '' and record.spill == '0' end

-- Takes down why an item comes back. A record that is there for a rebound goes on saying so.
local function blame(record, code)
  -- A record is read by its spaces.
  record.cause = (is_alone(record) and 'rebound/' or '') .. string.gsub(code, '%s', '-')
end

-- The first time after which a waiting job has no use for the item, ms; nil if each always has.
local function first_expiry(jobs)
  local first
  for at in string.gmatch(jobs, '!(%d+)') do first = math.min(tonumber(at), first or math.huge) end
  return first
end

-- Takes down an item for expire.lua.
local function watch_expiry(name, jobs)
  local at = string.find(jobs, '!', 1, true) and first_expiry(jobs)
  if at then call('ZADD', EXPIRING, 'LT', int(at), name) end
end

-- The kind of a lane or of an item's name: 'url' of normal/url+delete@host, or of url+delete:….
local function kind_of_lane(lane) return string.match(lane, '^%l+/(%l+)') end
local function kind_of_name(name) return string.match(name, '^%l+') end
-- The host of an item's name, without its port; nil for a resource.
local function host_of_name(name)
  local authority = string.match(name, '^%l+[^:]*:%l+://([^/?]*)')
  return authority and (string.match(authority, '^(.*):%d*$') or authority)
end
local function is_dir(name) return string.sub(name, 1, 3) == 'dir' end

-- Lanes of an earlier priority rank first, then the one that has waited longest. 1e14 ms is
-- beyond any time of day, and sums stay exact in a double.
local PRIORITY = { urgent = 0, normal = 1, bulk = 2 }
local function priority_of(lane) return PRIORITY[string.match(lane, '^%l+')] end
local function rank(lane, since) return int(priority_of(lane) * 1e14 + since) end

-- One more waiting job (an entry: id or id!expires) for a record's text; gives the new text.
local function join(name, text, entry)
  if string.find(text, ' spill=1 ', 1, true) then
    call('RPUSH', T .. ':waiters:' .. name, entry)
    return text
  end
  if #text + #entry >= RECORD_BYTES then
    call('RPUSH', T .. ':waiters:' .. name, entry)
    return (string.gsub(text, ' spill=0 ', ' spill=1 ', 1))
  end
  if string.sub(text, -1) == '=' then return text .. entry end
  return text .. ',' .. entry
end

-- All waiting jobs of one record joined to another: the inline ones each, a spilled list by
-- its name (an entry @key), so that the cost does not depend on how many wait.
local function join_all(name, text, record, spilled_key)
  for entry in string.gmatch(record.jobs, '[^,]+') do text = join(name, text, entry) end
  if record.spill == '1' then
    -- A reference must not stay inline, where an operator would take it for a job.
    call('RPUSH', T .. ':waiters:' .. name, '@' .. spilled_key)
    text = string.gsub(text, ' spill=0 ', ' spill=1 ', 1)
  end
  return text
end

-- Names of the dirs that would cover an item, the widest first; their action is the item's.
local function ancestors(name)
  local kind, action, text = string.match(name, '^(%l+)([^:]*):(.*)$')
  local _, start = string.find(text, '://', 1, true)
  local found = {}
  if kind == 'resource' or not start then return found end
  local stop = (string.find(text, '?', 1, true) or #text + 1) - 1
  local at = start + 1
  while #found < ANCESTORS do
    at = string.find(text, '/', at, true)
    if not at or at > stop then break end
    if kind == 'url' or at < #text then
      found[#found + 1] = 'dir' .. action .. ':' .. string.sub(text, 1, at)
    end
    at = at + 1
  end
  return found
end

-- Until when the items of one kind are held, 0: until somebody lifts it; nil if they are not.
local function kind_held(kind)
  local hold = call('HGET', HOLD, kind)
  if not hold then return nil end
  local till = tonumber(string.match(hold, '^until=(%d+)'))
  if till == 0 or till > NOW then return till end
  call('HDEL', HOLD, kind)
end

-- A record that nobody waits for any more.
local function drop(name, record)
  call('HDEL', PENDING, name)
  call('ZREM', DELAYED, name)
  if record.cause == 'under-way' then call('HINCRBY', STATS, 'under_way', -1) end
  if is_dir(name) then
    call('HINCRBY', STATS, 'dirs', -1)
    Coverage.leave_lane(name, record.lane)
  end
end

-- Items that wait here, in whatever way, and those that jobs have announced.
local function waiting()
  return call('HLEN', PENDING) + call('HLEN', EMBARGOED) + tonumber(call('HGET', STATS, 'announced') or 0)
end

-- Leaves a hint to a record in its lane. front: before the others.
local function stand(name, record, front)
  call(front and 'LPUSH' or 'RPUSH', T .. ':lane:' .. record.lane, name)
  call('ZADD', LANES, 'LT', rank(record.lane, record.since), record.lane)
end

-- Joins a record that comes back to the newer one of the same item. They wait for the same thing,
-- so what was learned of the one, its haste and its delay hold for both; but nobody who comes back
-- is made late by one who waits for quiet.
local function merge(name, newer, record, due, spilled_key, front)
  newer.attempts = math.max(newer.attempts, record.attempts)
  newer.unanswered = math.max(newer.unanswered, record.unanswered)
  newer.since = int(math.min(newer.since, record.since))
  -- It goes by itself, until a lease finds that it need not.
  local covered = string.sub(newer.cause, 1, 8) == 'covered/'
  if covered then Coverage.free(name, newer) end
  if record.cause ~= '-' and newer.cause ~= 'under-way' then newer.cause = record.cause end
  local hastened = priority_of(record.lane) < priority_of(newer.lane)
  if hastened then
    Coverage.move(name, newer.lane, record.lane)
    newer.lane = record.lane
  end
  local quiet = newer.latest ~= ''
  newer.latest = ''
  if due > NOW and (quiet or due > tonumber(newer.due)) then
    newer.due = int(due)
    call('ZADD', DELAYED, newer.due, name)
    Coverage.leave_lane(name, newer.lane)
  elseif quiet or covered then
    newer.due = '0'
    call('ZREM', DELAYED, name)
    stand(name, newer, front)
  elseif hastened and newer.due == '0' then
    stand(name, newer, front)
  end
  call('HSET', PENDING, name, join_all(name, pack(newer), record, spilled_key))
  watch_expiry(name, record.jobs)
end

-- Puts an item back: joined to a newer record of the same item if there is one, else under its
-- own record, delayed when it is due later. front: before the others of its lane.
local function put_back(name, record, due, spilled_key, front)
  local text = call('HGET', PENDING, name)
  if text then return merge(name, parse(text), record, due, spilled_key, front) end
  if record.spill == '1' then rename(spilled_key, T .. ':waiters:' .. name) end
  if due > NOW then
    record.due = int(due)
    call('ZADD', DELAYED, record.due, name)
  else
    no_delay(record)
    stand(name, record, front)
  end
  call('HSET', PENDING, name, pack(record))
  watch_expiry(name, record.jobs)
  if is_dir(name) then call('HINCRBY', STATS, 'dirs', 1) end
end

-- An item of a batch: its record, its name, and the coverage that goes along with a dir.
local function batch_item(value)
  local record = parse(value)
  local from, to = string.find(value, ' item=', 1, true)
  record.name = string.sub(value, to + 1)
  if is_dir(record.name) then record.covers = string.match(string.sub(value, 1, from - 1), ' covers=(c%d+)$') end
  return record
end

-- Items that waited until the provider was done with an earlier request for them may go.
local function stop_waiting(names)
  if tonumber(call('HGET', STATS, 'under_way') or 0) <= 0 then return end
  for i, text in ipairs(call('HMGET', PENDING, unpack(names))) do
    if text and string.find(text, ' cause=under-way ', 1, true) then
      local name, record = names[i], parse(text)
      no_delay(record)
      record.cause = '-'
      call('HSET', PENDING, name, pack(record))
      call('ZREM', DELAYED, name)
      call('HINCRBY', STATS, 'under_way', -1)
      stand(name, record, true)
      call('PUBLISH', T .. ':wake', 'done')
    end
  end
end

-- Takes down that a batch holds items no longer, or that another does instead. Several batches
-- may hold the same item: each request that came after a lease gets a call of its own.
local function let_go(names, batch, instead)
  for from = 1, #names, SLICE do
    local to = math.min(from + SLICE - 1, #names)
    local gone, left = {}, {}
    for i, holders in ipairs(call('HMGET', INFLIGHT, unpack(names, from, to))) do
      local name, others = names[from + i - 1], {}
      if holders and holders ~= batch then
        for holder in string.gmatch(holders, '[^,]+') do
          if holder ~= batch then others[#others + 1] = holder end
        end
      end
      others[#others + 1] = instead
      if #others == 0 then
        gone[#gone + 1] = name
      else
        left[#left + 1] = name
        left[#left + 1] = table.concat(others, ',')
      end
    end
    if #left > 0 then call('HSET', INFLIGHT, unpack(left)) end
    if #gone > 0 then
      call('HDEL', INFLIGHT, unpack(gone))
      stop_waiting(gone)
    end
  end
end
