-- Widens the head room of an account's windows for a while: a worker takes longer from its permits to
-- its calls than is configured. Windows are kept by it until the last call has left them that may
-- have been made by such a permit.
--
-- args
--   2    head room, ms
--   3    the account's longest window, ms
-- returns the head room that is in force now, ms
-- bound O(1)

return function(ctx, args)
  -- For so long no worker needs to ask for it again.
  local WIDE_MS = 60000

  local ms, till = Limits.headrooms(ctx, 0), ctx.now + WIDE_MS
  ms = math.max(ms, tonumber(args[2]))
  local kept_till = till + ms + tonumber(args[3])
  kept_till = math.max(kept_till, tonumber(redis.call('HGET', ctx.headroom, 'kept_till') or 0))
  redis.call('HSET', ctx.headroom, 'ms', Text.int(ms), 'till', Text.int(till), 'kept_till', Text.int(kept_till))
  -- Only to tidy up: what counts is the time in it.
  redis.call('PEXPIRE', ctx.headroom, Text.int(kept_till - ctx.now + 60000))
  return Text.int(ms)
end
