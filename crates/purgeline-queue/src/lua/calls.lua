-- Calls under way and tasks in progress at the provider, of all targets of an account. Stands after
-- quota.lua in scripts that begin or end one.
--
-- limit:in_flight  zset: target/batch -> lease deadline
-- limit:tasks      zset: target/batch -> when the provider accepted it

local IN_FLIGHT, TASKS = A .. ':limit:in_flight', A .. ':limit:tasks'
-- Of a target that nobody works for any more nothing is reaped or asked about; the account's other
-- targets do not wait for it for ever.
local FORGOTTEN_CALL_MS, FORGOTTEN_TASK_MS = 600000, 86400000

local function of_account(batch) return NAME .. '/' .. batch end

local function calls_in_flight()
  call('ZREMRANGEBYSCORE', IN_FLIGHT, '-inf', int(NOW - FORGOTTEN_CALL_MS))
  return call('ZCARD', IN_FLIGHT)
end

local function tasks_in_progress()
  call('ZREMRANGEBYSCORE', TASKS, '-inf', int(NOW - FORGOTTEN_TASK_MS))
  return call('ZCARD', TASKS)
end

local function call_begins(batch, deadline)
  call('ZADD', LEASES, int(deadline), batch)
  call('ZADD', IN_FLIGHT, int(deadline), of_account(batch))
end

-- A batch leaves its worker: if a call has come back by it, whoever lingers for company, or waits for
-- a place among the account's calls, may go. Its record must still be there.
local function call_returned(batch)
  if call('ZREM', LEASES, batch) == 0 then return end
  call('ZREM', IN_FLIGHT, of_account(batch))
  call('HSET', STATS, 'last_return', int(NOW))
  quota_returned(batch)
  call('PUBLISH', A .. ':wake', 'returned')
end

local function task_begins(batch, first_poll)
  call('ZADD', POLLS, int(first_poll), batch)
  call('ZADD', TASKS, int(NOW), of_account(batch))
end

-- Nobody asks about a batch any more.
local function task_ended(batch)
  call('ZREM', POLLS, batch)
  if call('ZREM', TASKS, of_account(batch)) == 1 then call('PUBLISH', A .. ':wake', 'ended') end
end
