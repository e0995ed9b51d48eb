-- Says again how parts ended that somebody began to reopen and did not: who began is dead.
--
-- ARGV  2 ms after which he counts as dead    3 ms to keep parts that succeeded    4 ms to keep other parts
--       5 most parts
-- returns how many
-- bound O(parts)

local overdue = call('ZRANGEBYSCORE', REOPENING, '-inf', int(NOW - tonumber(ARGV[2])), 'LIMIT', 0, tonumber(ARGV[5]))
for _, job in ipairs(overdue) do repeat_end(job, tonumber(ARGV[3]), tonumber(ARGV[4])) end
return #overdue
