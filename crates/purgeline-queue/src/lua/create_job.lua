-- Writes a job as it was submitted, unless it is there: then it is counted (`repeated`), so that this
-- connection has written something that WAIT can wait for.
--
-- KEYS  1 the job's key
-- ARGV  1 time, ms, or '' for Redis's own    2 digest of its body    then field, value pairs
-- returns {'created', time, ms} | {'exists', state, time, ms} (the same body) | {'conflict'} (another body under the same id)
-- bound O(fields)

local known = redis.call('HMGET', KEYS[1], 'digest', 'state', 'submitted')
if known[1] then
  if known[1] ~= ARGV[2] then return { 'conflict' } end
  redis.call('HINCRBY', KEYS[1], 'repeated', 1)
  return { 'exists', known[2], known[3] }
end
local now = ARGV[1]
if now == '' then
  local time = redis.call('TIME')
  now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end
redis.call('HSET', KEYS[1], 'state', 'active', 'submitted', now, 'digest', ARGV[2], unpack(ARGV, 3))
return { 'created', now }
