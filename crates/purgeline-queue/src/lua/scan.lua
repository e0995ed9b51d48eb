-- Names of keys of a target, a page a call. A script, so that it goes to the node of a cluster that
-- has them.
--
-- KEYS  1 the target's base key
-- args
--   1    the time; not looked at
--   2    cursor, 0 at first
--   3    pattern
--   4    keys looked at
-- returns {next cursor, 0 at the end, names}
-- bound O(keys looked at)

return function(ctx, args)
  return redis.call('SCAN', args[2], 'MATCH', args[3], 'COUNT', args[4])
end
