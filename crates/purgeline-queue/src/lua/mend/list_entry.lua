-- Takes an entry that is no job out of a list of waiting jobs, where it would be counted as one.
--
-- args
--   2    the list's key
--   3    the entry
-- returns 1; 0 if it is gone
-- bound O(entries of the list)

return function(ctx, args)
  return redis.call('LREM', args[2], 1, args[3])
end
