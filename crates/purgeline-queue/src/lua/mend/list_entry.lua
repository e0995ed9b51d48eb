-- Takes an entry that is no job out of a list of waiting jobs, where it would be counted as one.
--
-- ARGV  2 the list's key    3 the entry
-- returns 1; 0 if it is gone
-- bound O(entries of the list)

return call('LREM', ARGV[2], 1, ARGV[3])
