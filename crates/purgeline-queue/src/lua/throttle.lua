-- The provider said to slow down: no worker calls any target of the account for a while.
--
-- ARGV  2 ms from now    3 why (code)    4 message
-- returns 1; 0 if a longer throttle stands
-- bound O(1)

local key, ms = A .. ':limit:throttled', tonumber(ARGV[2])
local old = call('GET', key)
if old and tonumber(string.match(old, '^until=(%d+)')) >= NOW + ms then return 0 end
call('SET', key, 'until=' .. int(NOW + ms) .. ' since=' .. int(NOW) .. ' why=' .. ARGV[3] .. ' ' .. ARGV[4], 'PX', int(ms + 60000))
call('HINCRBY', STATS, 'throttled', 1)
return 1
