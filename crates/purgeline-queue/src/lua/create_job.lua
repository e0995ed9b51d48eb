-- Writes a job as it was submitted, unless it is there: then it is counted (`repeated`), so that this
-- connection has written something that WAIT can wait for.
--
-- KEYS  1 the job's key
-- args
--   1    time, ms, or '' for Redis's own
--   2    digest of its body
--   then field, value pairs
-- returns {'created', time, ms} | {'exists', state, time, ms} (the same body) | {'conflict'} (another body under the same id)
--         | {'abandoned'} (its producer stayed away too long and it was closed)
-- bound O(fields)

return function(key, args)
  local known = redis.call('HMGET', key, 'digest', 'state', 'submitted', 'abandoned')
  if known[1] then
    if known[1] ~= args[2] then return { 'conflict' } end
    if known[4] then return { 'abandoned' } end
    redis.call('HINCRBY', key, 'repeated', 1)
    return { 'exists', known[2], known[3] }
  end
  local now = args[1]
  if now == '' then
    local time = redis.call('TIME')
    now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  end
  redis.call('HSET', key, 'state', 'active', 'submitted', now, 'digest', args[2], unpack(args, 3))
  return { 'created', now }
end
