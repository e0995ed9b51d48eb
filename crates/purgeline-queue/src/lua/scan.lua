-- Names of keys of a target, a page a call. A script, so that it goes to the node of a cluster that
-- has them.
--
-- KEYS  1 the target's base key
-- ARGV  1 the time; not looked at    2 cursor, 0 at first    3 pattern    4 keys looked at
-- returns {next cursor, 0 at the end, names}
-- bound O(keys looked at)

return redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', ARGV[4])
