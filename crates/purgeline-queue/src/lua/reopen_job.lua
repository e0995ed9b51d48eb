-- Makes a job active again, one of whose parts is about to be reopened.
--
-- KEYS  1 the job's key
-- args
--   1    target
--   2    round in which its part there will be active
-- returns 1; 0 if the job is not kept any more, or the part has been in that round before
-- bound O(1)

return function(key, args)
  local state, round = unpack(redis.call('HMGET', key, 'state', 'round:' .. args[1]))
  if not state or tonumber(round or 0) >= tonumber(args[2]) then return 0 end
  redis.call('HSET', key, 'state', 'active', 'round:' .. args[1], args[2])
  redis.call('HDEL', key, 'part:' .. args[1], 'ended', 'ended_by')
  redis.call('PERSIST', key)
  return 1
end
