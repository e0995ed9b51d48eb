-- Makes a worker the housekeeper of a target, or keeps it that, and says what there is to do. The
-- place is free again some time after the housekeeper has last asked: then it is dead. Nothing
-- depends on there being one only, so the place is kept by Redis's own clock.
--
-- args
--   2    worker
--   3    ms for which it has the place, 0: it leaves
-- returns {0, ms until the place may be free}  another worker has it, or this one has left
--         {1, 1 if leases have run out, 1 if drain.lua has something to do, entries of the outbox,
--          1 if something waits that may go, or be asked about}
-- bound O(log items)

local function is_due(ctx, set)
  local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
  return first and tonumber(first) <= ctx.now
end

local function flag(is_so) return is_so and 1 or 0 end

return function(ctx, args)
  local worker, ms = args[2], args[3]
  local holder = redis.call('GET', ctx.housekeeper)
  if holder and holder ~= worker then return { 0, math.max(redis.call('PTTL', ctx.housekeeper), 1) } end
  if ms == '0' then
    redis.call('DEL', ctx.housekeeper)
    return { 0, 0 }
  end
  redis.call('SET', ctx.housekeeper, worker, 'PX', ms)
  local uncovers = redis.call('EXISTS', ctx.uncovering) == 1
  local drains = redis.call('EXISTS', ctx.settling) == 1 or uncovers or is_due(ctx, ctx.expiring)
  local waits = redis.call('EXISTS', ctx.lanes, ctx.ready) > 0 or uncovers or is_due(ctx, ctx.delayed)
    or is_due(ctx, ctx.embargoes) or is_due(ctx, ctx.polls)
  return { 1, flag(is_due(ctx, ctx.leases)), flag(drains), redis.call('XLEN', ctx.outbox), flag(waits) }
end
