-- Keeps leases whose workers are alive.
--
-- ARGV  2 worker    3 lease, ms    then batch ids
-- returns the ids whose lease was lost meanwhile
-- bound O(batches)

local lost = {}
for at = 4, #ARGV do
  local state = call('HMGET', T .. ':batch:' .. ARGV[at], 'state', 'worker')
  if state[1] == 'leased' and state[2] == ARGV[2] then
    call('ZADD', LEASES, 'XX', int(NOW + tonumber(ARGV[3])), ARGV[at])
    call('ZADD', IN_FLIGHT, int(NOW + tonumber(ARGV[3])), of_account(ARGV[at]))
  else
    lost[#lost + 1] = ARGV[at]
  end
end
return lost
