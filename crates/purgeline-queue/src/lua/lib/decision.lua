-- Decides whether a call may go now, with what, and if not, why and until when.
--
-- A decision is made for one call of lease.lua and holds what is found out on the way:
--   policy     LeasePolicy        headroom, good_by  see limits.lua
--   in_flight  the target's calls under way
--   room       the most of a call: items together, and of each kind
--   rated      what the windows leave of that now
--   stops      kinds that may not go, each with when (ms, 0: not known), why, and whether for long: held,
--              not taken by the policy, or (not for long) their own window is spent. They stop no other
--              kind. false: it may go
--   stopped    what stops something that waits: the stop that ends first
--   stopped_dirs  lanes of dirs that may not go for long, and why: nothing may wait for these

local Decision = {}

Decision.KIND_UNIT = { url = 'urls', dir = 'dirs' }
local UNIT_ROOM = { items = 'items', urls = 'url', dirs = 'dir' }
-- Lanes that are read at once, and at most.
local LANES_READ, LANES_MOST = 64, 1024

-- Begins a decision; gives nil, until when (ms, 0: not known) and why, if no call may be made whatever waits.
function Decision.new(ctx, policy)
  local in_flight, calls = redis.call('ZCARD', ctx.leases), Calls.in_flight(ctx)
  if calls >= policy.max_in_flight then return nil, 0, 'in_flight' end
  if policy.max_tasks and calls + Calls.tasks(ctx) >= policy.max_tasks then return nil, 0, 'tasks' end
  Quota.read(ctx, policy.quotas)
  local headroom, good_by = Limits.headrooms(ctx, policy.headroom_ms)
  local of_kind = policy.max_of_kind
  local room = { items = policy.max_items, url = of_kind.url or 0, dir = of_kind.dir or 0, resource = of_kind.resource or 0 }
  local rated = { items = room.items, url = room.url, dir = room.dir, resource = room.resource }
  for _, rate in ipairs(policy.rates) do
    local unit = UNIT_ROOM[rate.unit]
    if rate.unit == 'calls' then
      if Limits.free(ctx, rate, headroom) < 1 then
        return nil, Limits.free_at(ctx, rate, headroom, 1), 'rate ' .. rate.name
      end
    elseif unit then
      rated[unit] = math.min(rated[unit], Limits.free(ctx, rate, headroom))
      -- A window that holds less than a call is a bound on the call.
      room[unit] = math.min(room[unit], rate.max)
    end
  end
  return { policy = policy, headroom = headroom, good_by = good_by, in_flight = in_flight, room = room, rated = rated,
    stops = {}, stopped = nil, stopped_dirs = {} }
end

-- Takes the permits of a call. The batch remembers them, since one that is not sent gives them back.
function Decision.take_permits(ctx, decision, key, total, of_kind)
  local taken = {}
  for _, rate in ipairs(decision.policy.rates) do
    local count = Limits.counted(rate, total, of_kind)
    Limits.take(ctx, rate, decision.headroom, count)
    if count > 0 then taken[#taken + 1] = rate.name .. '=' .. count end
  end
  if #taken > 0 then redis.call('HSET', key, 'permits', table.concat(taken, ' ')) end
end

-- When the windows of a unit have room for so many, ms, and which one is the last; nil if they
-- have it now.
function Decision.short_of(ctx, decision, unit, need)
  local latest, which
  for _, rate in ipairs(decision.policy.rates) do
    local asked = math.min(need, rate.max)
    if rate.unit == unit and asked > 0 and Limits.free(ctx, rate, decision.headroom) < asked then
      local at = Limits.free_at(ctx, rate, decision.headroom, asked)
      if not latest or at > latest then latest, which = at, 'rate ' .. rate.name end
    end
  end
  return latest, which
end

-- What stops a kind: see `stops`.
function Decision.stop_of(ctx, decision, kind)
  local stops = decision.stops
  if stops[kind] == nil then
    local till = Holds.of_kind(ctx, kind)
    stops[kind] = till and { till, 'held ' .. kind, true }
      or decision.room[kind] == 0 and { 0, 'kind ' .. kind .. ' is not taken', true }
  end
  return stops[kind]
end

-- Something that waits is stopped by this.
function Decision.note(decision, stop)
  local stopped = decision.stopped
  if not stopped or (stop[1] > 0 and (stopped[1] == 0 or stop[1] < stopped[1])) then decision.stopped = stop end
end

-- One more lane of these hints goes along.
local function add_lane(pick, lane, length)
  local kind = lane.kind
  pick.lanes[#pick.lanes + 1] = lane
  pick.action[kind] = lane.action
  if lane.host and not pick.hosts[lane.host] then pick.hosts[lane.host], pick.host_count = true, pick.host_count + 1 end
  pick.available[kind] = (pick.available[kind] or 0) + length
  if lane.priority == 0 then pick.urgent, pick.urgent_of[kind] = true, true end
  if not pick.oldest or lane.since < pick.oldest then pick.oldest = lane.since end
end

-- Whether a lane may share the call of those that were picked before it.
local function goes_along(pick, lane, policy)
  return (#pick.lanes == 0 or policy.mix_kinds or pick.action[lane.kind])
    and (not pick.action[lane.kind] or pick.action[lane.kind] == lane.action)
    and (not lane.host or pick.hosts[lane.host] or pick.host_count < policy.max_hosts)
end

-- The lanes that share this call: the first in rank that may go, and those that may go with it.
local function choose(ctx, decision)
  local pick = { lanes = {}, action = {}, available = {}, hosts = {}, host_count = 0, urgent = false, urgent_of = {} }
  local at = 0
  while #pick.lanes == 0 and at < LANES_MOST do
    local ranked = redis.call('ZRANGE', ctx.lanes, at, at + LANES_READ - 1, 'WITHSCORES')
    if #ranked == 0 then break end
    at = at + LANES_READ
    for i = 1, #ranked, 2 do
      local name = ranked[i]
      local length = redis.call('LLEN', Keys.lane(ctx, name))
      local lane = { name = name, kind = Names.kind_of_lane(name), host = string.match(name, '@(.*)$'),
        action = string.match(name, '^%l+/%l+%+(%l+)') or 'default', priority = Names.priority_of(name),
        since = Names.since_of(name, ranked[i + 1]), order = i }
      local left, spent = Quota.room(ctx, lane.kind, lane.host, lane.priority == 0)
      local stop = Decision.stop_of(ctx, decision, lane.kind)
      if length == 0 then
        redis.call('ZREM', ctx.lanes, name)
        at = at - 1
      elseif stop then
        Decision.note(decision, stop)
        if lane.kind == 'dir' and stop[3] then decision.stopped_dirs[name] = Coverage.HELD end
      elseif left < 1 then
        Decision.note(decision, spent)
        if lane.kind == 'dir' then decision.stopped_dirs[name] = Coverage.DAILY_QUOTA end
      elseif goes_along(pick, lane, decision.policy) then
        add_lane(pick, lane, math.min(length, left))
      end
    end
  end
  return pick
end

-- How much of the lanes' hints the call wants, and whether it is full: whether nothing more could go
-- along, in one kind at least or together.
local function measure(ctx, decision, pick)
  local room = decision.room
  pick.wanted, pick.wanted_of, pick.full = 0, {}, false
  for kind in pairs(pick.action) do
    local most = math.min(room[kind], (Quota.room(ctx, kind, nil, pick.urgent_of[kind])))
    pick.wanted_of[kind] = math.min(pick.available[kind], most)
    pick.wanted = pick.wanted + pick.wanted_of[kind]
    if pick.available[kind] >= most then pick.full = true end
  end
  if pick.wanted >= room.items then pick.wanted, pick.full = room.items, true end
end

-- The lanes that share this call, and how much of them. The windows must have room for the whole
-- chunk: a small call now would make a small one later. Only what is urgent takes what there is.
function Decision.pick(ctx, decision)
  local rated = decision.rated
  while true do
    local pick, stopped = choose(ctx, decision), false
    measure(ctx, decision, pick)
    for kind in pairs(pick.action) do
      if rated[kind] < pick.wanted_of[kind] then
        if pick.urgent and rated[kind] > 0 then
          pick.wanted_of[kind] = rated[kind]
        else
          local at, why = Decision.short_of(ctx, decision, Decision.KIND_UNIT[kind], pick.wanted_of[kind])
          decision.stops[kind], stopped = { at, why }, true
        end
      end
    end
    if not stopped then return pick end
  end
end

-- Why nothing of what waits may go: until when (ms, 0: not known), and why.
function Decision.nothing_goes(ctx, decision)
  for why, key in pairs({ delayed = ctx.delayed, embargoed = ctx.embargoes }) do
    local next_due = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if next_due then Decision.note(decision, { next_due, why }) end
  end
  local stopped = decision.stopped
  if stopped then return stopped[1], stopped[2] end
  return 0, 'empty'
end

-- Until when what was picked does not go yet, and why; nil if it goes now, and then as many items as
-- `pick.wanted` says by now.
function Decision.not_yet(ctx, decision, pick)
  -- Like Nagle's algorithm: while calls are in flight a part-full chunk waits for company.
  if not pick.full and not pick.urgent and decision.in_flight > 0 then
    local returned = tonumber(redis.call('HGET', ctx.stats, 'last_return') or 0)
    local go_at = pick.oldest + decision.policy.linger_ms
    if go_at > ctx.now and returned <= pick.oldest then return go_at, 'linger' end
  end
  local rated = decision.rated.items
  if rated < pick.wanted then
    if not (pick.urgent and rated > 0) then return Decision.short_of(ctx, decision, 'items', pick.wanted) end
    pick.wanted = rated
  end
end

return Decision
