-- Writes in a job that its producer stayed away, and since when that is known.
--
-- KEYS  1 the job's key
-- args
--   1    time, ms
-- returns nothing
-- bound O(1)

return function(key, args)
  if redis.call('EXISTS', key) == 1 then redis.call('HSETNX', key, 'abandoned', args[1]) end
end
