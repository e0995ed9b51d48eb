-- Corrects a counter that was counted while nothing moved: no counter is other than when the
-- counting began.
--
-- ARGV  2 counter    3 what it is    then all counters as they were: name, value
-- returns 1; 0 if something moved
-- bound O(counters)

if call('HLEN', STATS) * 2 ~= #ARGV - 3 then return 0 end
for at = 4, #ARGV, 2 do
  if call('HGET', STATS, ARGV[at]) ~= ARGV[at + 1] then return 0 end
end
call('HSET', STATS, ARGV[2], ARGV[3])
return 1
