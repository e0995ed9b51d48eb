-- Makes a job active again, one of whose parts is about to be reopened.
--
-- KEYS  1 the job's key
-- ARGV  1 target    2 round in which its part there will be active
-- returns 1; 0 if the job is not kept any more, or the part has been in that round before
-- bound O(1)

local state, round = unpack(redis.call('HMGET', KEYS[1], 'state', 'round:' .. ARGV[1]))
if not state or tonumber(round or 0) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'state', 'active', 'round:' .. ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[1], 'part:' .. ARGV[1], 'ended', 'ended_by')
redis.call('PERSIST', KEYS[1])
return 1
