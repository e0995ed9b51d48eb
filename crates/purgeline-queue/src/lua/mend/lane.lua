-- Ranks a lane that holds hints and is not looked at.
--
-- ARGV  2 lane
-- returns 1; 0 if it is ranked or empty
-- bound O(log lanes)

local first = call('LINDEX', T .. ':lane:' .. ARGV[2], 0)
if not first or call('ZSCORE', LANES, ARGV[2]) then return 0 end
local text = call('HGET', PENDING, first)
call('ZADD', LANES, 'NX', rank(ARGV[2], text and string.match(text, ' since=(%d+)') or NOW), ARGV[2])
call('PUBLISH', T .. ':wake', 'mended')
return 1
