-- Holds a target, or its items of one kind: nothing is sent, everything waits and coalesces.
-- A hold that is already there is kept if it lasts longer.
--
-- ARGV  2 name: paused, or a kind    3 ms from now, 0: until it is lifted
--       4 why (code)    5 message    6 by whom
-- returns 1; 0 if a longer hold of that name stands
-- bound O(1)

local old = call('HGET', HOLD, ARGV[2])
local ms = tonumber(ARGV[3])
local till = ms > 0 and NOW + ms or 0
if old then
  local old_till = tonumber(string.match(old, '^until=(%d+)'))
  if old_till == 0 or (till > 0 and old_till >= till) then return 0 end
end
call('HSET', HOLD, ARGV[2], 'until=' .. int(till) .. ' since=' .. int(NOW) .. ' by=' .. ARGV[6] .. ' why=' .. ARGV[4] .. ' ' .. ARGV[5])
call('XADD', OUTBOX, '*', 'what', 'held', 'name', ARGV[2], 'by', ARGV[6], 'why', ARGV[4], 'message', ARGV[5],
  'until', int(till), 'at', int(NOW))
return 1
