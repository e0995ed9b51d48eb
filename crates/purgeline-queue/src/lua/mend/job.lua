-- Lets a job go on that was called ended while not all of its parts had been taken down.
--
-- KEYS  1 the job's key
-- args
--   1    its state as it was seen
-- returns 1; 0 if it is no longer as it was seen, or all its parts have been taken down
-- bound O(targets of the job)

return function(key, args)
  local fields = redis.call('HMGET', key, 'state', 'targets')
  if fields[1] ~= args[1] or not fields[2] then return 0 end
  for target in string.gmatch(fields[2], '%S+') do
    if redis.call('HEXISTS', key, 'part:' .. target) == 0 then
      redis.call('HSET', key, 'state', 'active')
      redis.call('HDEL', key, 'ended', 'ended_by')
      redis.call('PERSIST', key)
      return 1
    end
  end
  return 0
end
