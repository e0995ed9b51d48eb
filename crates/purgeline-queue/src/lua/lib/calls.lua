-- Calls under way and tasks in progress at the provider, of all targets of an account. Stands after
-- quota.lua in scripts that begin or end one.
--
-- limit:in_flight  zset: target/batch -> lease deadline
-- limit:tasks      zset: target/batch -> when the provider accepted it

local Calls = {}

-- Of a target that nobody works for any more nothing is reaped or asked about; the account's other
-- targets do not wait for it for ever.
local FORGOTTEN_CALL_MS, FORGOTTEN_TASK_MS = 600000, 86400000

function Calls.of_account(ctx, batch) return ctx.name .. '/' .. batch end

function Calls.in_flight(ctx)
  redis.call('ZREMRANGEBYSCORE', ctx.in_flight, '-inf', Text.int(ctx.now - FORGOTTEN_CALL_MS))
  return redis.call('ZCARD', ctx.in_flight)
end

function Calls.tasks(ctx)
  redis.call('ZREMRANGEBYSCORE', ctx.tasks, '-inf', Text.int(ctx.now - FORGOTTEN_TASK_MS))
  return redis.call('ZCARD', ctx.tasks)
end

function Calls.begins(ctx, batch, deadline)
  redis.call('ZADD', ctx.leases, Text.int(deadline), batch)
  redis.call('ZADD', ctx.in_flight, Text.int(deadline), Calls.of_account(ctx, batch))
end

-- A batch leaves its worker: if a call has come back by it, whoever lingers for company, or waits for
-- a place among the account's calls, may go. Its record must still be there.
function Calls.returned(ctx, batch)
  if redis.call('ZREM', ctx.leases, batch) == 0 then return end
  redis.call('ZREM', ctx.in_flight, Calls.of_account(ctx, batch))
  redis.call('HSET', ctx.stats, 'last_return', Text.int(ctx.now))
  Quota.returned(ctx, batch)
  redis.call('PUBLISH', ctx.account_wake, 'returned')
end

function Calls.task_begins(ctx, batch, first_poll)
  redis.call('ZADD', ctx.polls, Text.int(first_poll), batch)
  redis.call('ZADD', ctx.tasks, Text.int(ctx.now), Calls.of_account(ctx, batch))
end

-- Nobody asks about a batch any more.
function Calls.task_ended(ctx, batch)
  redis.call('ZREM', ctx.polls, batch)
  if redis.call('ZREM', ctx.tasks, Calls.of_account(ctx, batch)) == 1 then redis.call('PUBLISH', ctx.account_wake, 'ended') end
end

return Calls
