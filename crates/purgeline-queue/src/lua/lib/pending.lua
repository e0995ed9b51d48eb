-- The items that wait at a target: their records, their hints in the lanes, their delays.

local Pending = {}

-- Items that wait here, in whatever way, and those that jobs have announced.
function Pending.waiting(ctx)
  return redis.call('HLEN', ctx.pending) + redis.call('HLEN', ctx.embargoed) + tonumber(redis.call('HGET', ctx.stats, 'announced') or 0)
end

-- Takes down an item for expire.lua.
function Pending.watch_expiry(ctx, name, jobs)
  local at = string.find(jobs, '!', 1, true) and Record.first_expiry(jobs)
  if at then redis.call('ZADD', ctx.expiring, 'LT', Text.int(at), name) end
end

-- Leaves a hint to a record in its lane. front: before the others.
function Pending.push_hint(ctx, name, record, front)
  redis.call(front and 'LPUSH' or 'RPUSH', Keys.lane(ctx, record.lane), name)
  redis.call('ZADD', ctx.lanes, 'LT', Names.rank(record.lane, record.since), record.lane)
end

-- A record that nobody waits for any more.
function Pending.remove(ctx, name, record)
  redis.call('HDEL', ctx.pending, name)
  redis.call('ZREM', ctx.delayed, name)
  redis.call('ZREM', ctx.expiring, name)
  if record.cause == 'under-way' then redis.call('HINCRBY', ctx.stats, 'under_way', -1) end
  if Names.is_dir(name) then
    redis.call('HINCRBY', ctx.stats, 'dirs', -1)
    Coverage.leave_lane(ctx, name, record.lane)
  end
end

-- Joins a record that comes back to the newer one of the same item. They wait for the same thing,
-- so what was learned of the one, its haste and its delay hold for both; but nobody who comes back
-- is made late by one who waits for quiet.
function Pending.merge(ctx, name, newer, record, due, spilled_key, front)
  newer.attempts = math.max(newer.attempts, record.attempts)
  newer.unanswered = math.max(newer.unanswered, record.unanswered)
  newer.since = Text.int(math.min(newer.since, record.since))
  -- It goes by itself, until a lease finds that it need not.
  local covered = string.sub(newer.cause, 1, 8) == 'covered/'
  if covered then Coverage.free(ctx, name, newer) end
  if record.cause ~= '-' and newer.cause ~= 'under-way' then newer.cause = record.cause end
  local hastened = Names.priority_of(record.lane) < Names.priority_of(newer.lane)
  if hastened then
    Coverage.move(ctx, name, newer.lane, record.lane)
    newer.lane = record.lane
  end
  local quiet = newer.latest ~= ''
  newer.latest = ''
  if due > ctx.now and (quiet or due > tonumber(newer.due)) then
    newer.due = Text.int(due)
    redis.call('ZADD', ctx.delayed, newer.due, name)
    Coverage.leave_lane(ctx, name, newer.lane)
  elseif quiet or covered then
    newer.due = '0'
    redis.call('ZREM', ctx.delayed, name)
    Pending.push_hint(ctx, name, newer, front)
  elseif hastened and newer.due == '0' then
    Pending.push_hint(ctx, name, newer, front)
  end
  redis.call('HSET', ctx.pending, name, Waiters.join_all(ctx, name, Record.pack(newer), record, spilled_key))
  Pending.watch_expiry(ctx, name, record.jobs)
end

-- Puts an item back: joined to a newer record of the same item if there is one, else under its
-- own record, delayed when it is due later. front: before the others of its lane.
function Pending.put_back(ctx, name, record, due, spilled_key, front)
  local text = redis.call('HGET', ctx.pending, name)
  if text then return Pending.merge(ctx, name, Record.parse(text), record, due, spilled_key, front) end
  if record.spill == '1' then Waiters.rename(spilled_key, Keys.waiters(ctx, name)) end
  if due > ctx.now then
    record.due = Text.int(due)
    redis.call('ZADD', ctx.delayed, record.due, name)
  else
    Record.no_delay(record)
    Pending.push_hint(ctx, name, record, front)
  end
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  Pending.watch_expiry(ctx, name, record.jobs)
  if Names.is_dir(name) then redis.call('HINCRBY', ctx.stats, 'dirs', 1) end
end

-- Items that waited until the provider was done with an earlier request for them may go.
function Pending.unblock(ctx, names)
  if tonumber(redis.call('HGET', ctx.stats, 'under_way') or 0) <= 0 then return end
  for i, text in ipairs(redis.call('HMGET', ctx.pending, unpack(names))) do
    if text and string.find(text, ' cause=under-way ', 1, true) then
      local name, record = names[i], Record.parse(text)
      Record.no_delay(record)
      record.cause = '-'
      redis.call('HSET', ctx.pending, name, Record.pack(record))
      redis.call('ZREM', ctx.delayed, name)
      redis.call('HINCRBY', ctx.stats, 'under_way', -1)
      Pending.push_hint(ctx, name, record, true)
      redis.call('PUBLISH', ctx.wake, 'done')
    end
  end
end

return Pending
