-- Tells whoever watches what happened. A script, so that it can be told when memory is full.
--
-- KEYS  1 the events stream
-- args
--   1    entries to keep
--   then field, value pairs
-- returns nothing
-- bound O(1)

return function(key, args)
  redis.call('XADD', key, 'MAXLEN', '~', args[1], '*', unpack(args, 2))
end
