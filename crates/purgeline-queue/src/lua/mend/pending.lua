-- Brings an item's record, its delay, its hint and its list of waiting jobs into agreement. A hint
-- too many does no harm, so one is left where the record may go.
--
-- args
--   2    item
-- returns what was done, a line each
-- bound O(log delayed)

return function(ctx, args)
  local name = args[2]
  local text, done = redis.call('HGET', ctx.pending, name), {}
  if not text then
    if redis.call('ZREM', ctx.delayed, name) == 1 then done[1] = 'its delay was taken away' end
    return done
  end
  local record = Record.parse(text)
  if not record.lane then return done end
  local score = redis.call('ZSCORE', ctx.delayed, name)
  if record.due ~= '0' then
    if not score or Text.int(tonumber(score)) ~= record.due then
      redis.call('ZADD', ctx.delayed, record.due, name)
      done[#done + 1] = 'it is delayed until its record says'
    end
  else
    if score then
      redis.call('ZREM', ctx.delayed, name)
      done[#done + 1] = 'its delay was taken away'
    end
    Pending.push_hint(ctx, name, record, true)
    done[#done + 1] = 'a hint leads to it from the front of its lane'
  end
  local has_list = tostring(redis.call('EXISTS', Keys.waiters(ctx, name)))
  if record.spill ~= has_list then
    record.spill = has_list
    redis.call('HSET', ctx.pending, name, Record.pack(record))
    done[#done + 1] = has_list == '1' and 'the jobs in its list wait again' or 'its record names the jobs that are known'
  end
  local at, seen = Record.first_expiry(record.jobs), redis.call('ZSCORE', ctx.expiring, name)
  if at and (not seen or tonumber(seen) > at) then
    Pending.watch_expiry(ctx, name, record.jobs)
    done[#done + 1] = 'it is looked at when its first job has no more use for it'
  end
  redis.call('PUBLISH', ctx.wake, 'mended')
  return done
end
