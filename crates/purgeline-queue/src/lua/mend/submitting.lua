-- Has a part closed, if its producer stays away, that lacks items and was not known to.
--
-- ARGV  2 job
-- returns 1; 0 if it lacks none, or is known to
-- bound O(log jobs)

local part = T .. ':job:' .. ARGV[2]
local counts = call('HMGET', part, 'state', 'enqueued', 'items')
if counts[1] ~= 'active' or tonumber(counts[2]) >= tonumber(counts[3]) then return 0 end
return call('ZADD', T .. ':submitting', 'NX', int(NOW), ARGV[2])
