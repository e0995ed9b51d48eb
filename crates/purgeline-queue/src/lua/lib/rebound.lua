-- The second purge of an item some time after the first.

local Rebound = {}

-- Has an item that was purged purged once more after a time, for origins that lag: under a record
-- that no job waits for. how: ms, and the most items that may wait here.
function Rebound.plan(ctx, name, lane, how)
  local ms, most = string.match(how, '^(%d+) (%d+)$')
  local text, due = redis.call('HGET', ctx.pending, name), Text.int(ctx.now + tonumber(ms))
  local record = text and Record.parse(text)
  -- Who waits is purged later than this was, and has a rebound of its own.
  if record and not Record.is_alone(record) then return end
  if not record then
    if Pending.waiting(ctx) >= tonumber(most) then
      redis.call('HINCRBY', ctx.stats, 'rebounds_skipped', 1)
      return
    end
    if Names.is_dir(name) then redis.call('HINCRBY', ctx.stats, 'dirs', 1) end
    redis.call('HINCRBY', ctx.stats, 'rebounds', 1)
    record = { lane = lane, since = Text.int(ctx.now), attempts = '0', unanswered = 0, cause = 'rebound', spill = '0', jobs = '' }
  end
  -- One that stood in its lane does not any more.
  Coverage.leave_lane(ctx, name, record.lane)
  record.due, record.latest = due, due
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  redis.call('ZADD', ctx.delayed, due, name)
end

return Rebound
