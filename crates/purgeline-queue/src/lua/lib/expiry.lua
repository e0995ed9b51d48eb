-- When a job has no use for an item is written with the job, in the item's record (id!MS). So
-- jobs without such a time cost nothing, and one that has it leaves the others of its record as
-- they are. {T}:expiring says when to look at which record. A job in a hot item's spilled list is
-- found when all that stand before it have expired: until then the item goes anyway, for others,
-- and counts for it too.

local Expiry = {}

-- Items looked at by one call, and spilled jobs looked at for each.
local EXPIRED_ITEMS, EXPIRED_SPILLED = 100, 50

-- The next job of a spilled list, and of the lists that it names; '' if it named one; nil at its end.
local function next_spilled(list)
  local entry = redis.call('LPOP', list)
  if not entry or string.sub(entry, 1, 1) ~= '@' then return entry end
  local nested = redis.call('LPOP', string.sub(entry, 2))
  if nested then redis.call('LPUSH', list, entry, nested) end
  return ''
end

-- Takes the expired jobs out of a record. Gives them, and when to look again: nil if never.
local function take_expired(ctx, name, record)
  local gone, kept, again = {}, {}, nil
  local function sort_out(entry)
    local at = tonumber(string.match(entry, '!(%d+)$'))
    if at and at <= ctx.now then
      gone[#gone + 1] = entry
    else
      kept[#kept + 1] = entry
      if at then again = math.min(at, again or at) end
    end
  end
  for entry in string.gmatch(record.jobs, '[^,]+') do sort_out(entry) end
  local list, looked = Keys.waiters(ctx, name), 0
  while record.spill == '1' and #kept == 0 and looked < EXPIRED_SPILLED do
    looked = looked + 1
    local entry = next_spilled(list)
    if entry and entry ~= '' then sort_out(entry) end
    if redis.call('EXISTS', list) == 0 then record.spill = '0' end
  end
  record.jobs = table.concat(kept, ',')
  if #kept == 0 and record.spill == '1' then again = ctx.now end
  return gone, again
end

-- Has the requests that have expired counted by drain.lua; an item that nobody wants any more waits
-- no longer. Gives whether there are more.
function Expiry.expire(ctx)
  local due = redis.call('ZRANGEBYSCORE', ctx.expiring, '-inf', Text.int(ctx.now), 'LIMIT', 0, EXPIRED_ITEMS)
  if #due == 0 then return false end
  local list, count, more = nil, 0, #due == EXPIRED_ITEMS
  for i, text in ipairs(redis.call('HMGET', ctx.pending, unpack(due))) do
    local name, again = due[i], nil
    if text then
      local record, gone = Record.parse(text), nil
      gone, again = take_expired(ctx, name, record)
      more = more or again == ctx.now
      if Record.is_alone(record) and string.sub(record.cause, 1, 7) ~= 'rebound' then
        Pending.remove(ctx, name, record)
      else
        redis.call('HSET', ctx.pending, name, Record.pack(record))
      end
      if #gone > 0 then
        list = list or ctx.target .. ':waiters:expired:' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
        redis.call('RPUSH', list, unpack(gone))
        count = count + #gone
      end
    end
    if again then redis.call('ZADD', ctx.expiring, Text.int(again), name) else redis.call('ZREM', ctx.expiring, name) end
  end
  if list then
    redis.call('RPUSH', ctx.settling, list .. ' expired ')
    redis.call('HINCRBY', ctx.stats, 'expired', count)
  end
  return more
end

return Expiry
