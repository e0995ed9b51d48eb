-- Closes the part of one job whose producer died before it had enqueued all of its chunks: the
-- part ends with the items that it got, and a producer that comes back after all is refused.
--
-- ARGV  2 ms after which a producer counts as dead    3 ms to keep parts that succeeded    4 ms to keep other parts
-- returns {job id, items enqueued, items announced}; {} if there is none
-- bound 100 jobs of which nothing is left

for _ = 1, 100 do
  local job = call('ZRANGEBYSCORE', T .. ':submitting', '-inf', int(NOW - tonumber(ARGV[2])), 'LIMIT', 0, 1)[1]
  if not job then return {} end
  local part = T .. ':job:' .. job
  call('ZREM', T .. ':submitting', job)
  local counts = call('HMGET', part, 'enqueued', 'items')
  -- Else somebody has deleted it.
  if counts[1] then
    call('HINCRBY', STATS, 'announced', counts[1] - counts[2])
    call('HSET', part, 'items', counts[1], 'abandoned', counts[2])
    if add_to_part(job, { succeeded = 0, failed = 0, expired = 0, dead = {} }, tonumber(ARGV[3]), tonumber(ARGV[4])) then
      call('HINCRBY', STATS, 'jobs_ended', 1)
    end
    return { job, counts[1], counts[2] }
  end
end
return {}
