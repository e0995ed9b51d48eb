-- Brings an item's record, its delay, its hint and its list of waiting jobs into agreement. A hint
-- too many does no harm, so one is left where the record may go.
--
-- ARGV  2 item
-- returns what was done, a line each
-- bound O(log delayed)

local name = ARGV[2]
local text, done = call('HGET', PENDING, name), {}
if not text then
  if call('ZREM', DELAYED, name) == 1 then done[1] = 'its delay was taken away' end
  return done
end
local record = parse(text)
if not record.lane then return done end
local score = call('ZSCORE', DELAYED, name)
if record.due ~= '0' then
  if not score or int(tonumber(score)) ~= record.due then
    call('ZADD', DELAYED, record.due, name)
    done[#done + 1] = 'it is delayed until its record says'
  end
else
  if score then
    call('ZREM', DELAYED, name)
    done[#done + 1] = 'its delay was taken away'
  end
  stand(name, record, true)
  done[#done + 1] = 'a hint leads to it from the front of its lane'
end
local has_list = tostring(call('EXISTS', T .. ':waiters:' .. name))
if record.spill ~= has_list then
  record.spill = has_list
  call('HSET', PENDING, name, pack(record))
  done[#done + 1] = has_list == '1' and 'the jobs in its list wait again' or 'its record names the jobs that are known'
end
local at, seen = first_expiry(record.jobs), call('ZSCORE', EXPIRING, name)
if at and (not seen or tonumber(seen) > at) then
  watch_expiry(name, record.jobs)
  done[#done + 1] = 'it is looked at when its first job has no more use for it'
end
call('PUBLISH', T .. ':wake', 'mended')
return done
