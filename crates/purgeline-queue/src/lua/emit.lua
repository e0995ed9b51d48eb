-- Tells whoever watches what happened. A script, so that it can be told when memory is full.
--
-- KEYS  1 the events stream
-- ARGV  1 entries to keep    then field, value pairs
-- returns nothing
-- bound O(1)

redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 2))
