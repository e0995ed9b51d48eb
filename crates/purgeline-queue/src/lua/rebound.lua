-- Stands after lib.lua in scripts that settle.

-- Has an item that was purged purged once more after a time, for origins that lag: under a record
-- that no job waits for. how: ms, and the most items that may wait here.
local function rebound(name, lane, how)
  local ms, most = string.match(how, '^(%d+) (%d+)$')
  local text, due = call('HGET', PENDING, name), int(NOW + tonumber(ms))
  local record = text and parse(text)
  -- Who waits is purged later than this was, and has a rebound of its own.
  if record and not is_alone(record) then return end
  if not record then
    if waiting() >= tonumber(most) then
      call('HINCRBY', STATS, 'rebounds_skipped', 1)
      return
    end
    if is_dir(name) then call('HINCRBY', STATS, 'dirs', 1) end
    call('HINCRBY', STATS, 'rebounds', 1)
    record = { lane = lane, since = int(NOW), attempts = '0', unanswered = 0, cause = 'rebound', spill = '0', jobs = '' }
  end
  -- One that stood in its lane does not any more.
  Coverage.leave_lane(name, record.lane)
  record.due, record.latest = due, due
  call('HSET', PENDING, name, pack(record))
  call('ZADD', DELAYED, due, name)
end
