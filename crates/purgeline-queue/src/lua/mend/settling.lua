-- Takes an outcome away that cannot be read and would hold up all behind it.
--
-- ARGV  2 the entry
-- returns 1; 0 if it is gone
-- bound O(entries of settling)

return call('LREM', SETTLING, 1, ARGV[2])
