-- Sets when open batches are next asked about.
--
-- ARGV  2 ms from now    then batch ids
-- returns batches put off
-- bound O(batches)

local count = 0
for at = 3, #ARGV do
  count = count + call('ZADD', POLLS, 'XX', 'CH', int(NOW + tonumber(ARGV[2])), ARGV[at])
end
call('PUBLISH', T .. ':wake', 'polls')
return count
