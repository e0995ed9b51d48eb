-- Lifts a hold.
--
-- ARGV  2 name: paused, or a kind    3 by whom
-- returns 1; 0 if there was none
-- bound O(1)

local lifted = call('HDEL', HOLD, ARGV[2])
if lifted == 1 then
  call('XADD', OUTBOX, '*', 'what', 'released', 'name', ARGV[2], 'by', ARGV[3], 'at', int(NOW))
  call('PUBLISH', T .. ':wake', 'released')
end
return lifted
