-- Gives a job's part the counters that agree with what waits for it, and puts items back that it
-- lacks. A part whose items have all settled ends; one that had ended before they had goes on.
--
-- ARGV  2 job    3 ms to keep parts that succeeded    4 ms to keep other parts    5 most dead letters
--       6-11  as it was seen, '' if it was not there: state, enqueued, items, succeeded, failed, cancelled
--       12-16 as it is to be: enqueued, items, succeeded, failed, cancelled
--       17 how many items are counted as failed besides, because nobody knows their names
--       18 priority    19 source
--       20 the items' waiting job: its id, and after what time it has no use for them
--       21 ms before which they may not go, 0
--       then for each item to put back (at most 100): name, lane
-- returns 1; 0 if it is no longer as it was seen
-- bound O(items)

local job, names = ARGV[2], { 'state', 'enqueued', 'items', 'succeeded', 'failed', 'cancelled' }
local part = T .. ':job:' .. job
local seen = call('HMGET', part, unpack(names))
for i = 1, #names do
  if (seen[i] or '') ~= ARGV[5 + i] then return 0 end
end
if not seen[1] then
  call('HSET', part, 'chunks', 1, 'chunks_total', 1, 'since', int(NOW), 'priority', ARGV[18], 'source', ARGV[19])
end
call('HSET', part, 'state', 'active', 'enqueued', ARGV[12], 'items', ARGV[13], 'succeeded', ARGV[14], 'failed', ARGV[15],
  'cancelled', ARGV[16])
call('HDEL', part, 'ended')
call('PERSIST', part)
for at = 22, #ARGV, 2 do put_anew(ARGV[at], ARGV[at + 1], { ARGV[20] }, nil, tonumber(ARGV[21])) end
local lost, dead = tonumber(ARGV[17]), ''
if lost > 0 then
  dead = 'lost-' .. call('HINCRBY', STATS, 'seq', 1)
  local item = { name = 'lost:' .. lost .. ' items of job ' .. job, lane = '', attempts = 0, jobs = job, spill = '0', since = int(NOW) }
  dead_letter(dead, item, '-', 'unknown', 'record-lost',
    'the records of ' .. lost .. ' items were lost in Redis and nobody knows their names: submit the job again',
    tonumber(ARGV[4]), tonumber(ARGV[5]))
end
local counts = new_counts()
count_entry(counts, job, 'failed', dead)
counts.jobs[job].failed = lost
if add_to_part(job, counts.jobs[job], tonumber(ARGV[3]), tonumber(ARGV[4])) then
  call('HINCRBY', STATS, 'jobs_ended', 1)
end
return 1
