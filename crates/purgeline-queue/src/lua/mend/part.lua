-- Gives a job's part the counters that agree with what waits for it, and puts items back that it
-- lacks. A part whose items have all settled ends; one that had ended before they had goes on.
--
-- args
--   2    job
--   3    ms to keep parts that succeeded
--   4    ms to keep other parts
--   5    most dead letters
--   6-11 as it was seen, '' if it was not there: state, enqueued, items, succeeded, failed, cancelled
--   12-16 as it is to be: enqueued, items, succeeded, failed, cancelled
--   17   how many items are counted as failed besides, because nobody knows their names
--   18   priority
--   19   source
--   20   the items' waiting job: its id, and after what time it has no use for them
--   21   ms before which they may not go, 0
--   then for each item to put back (at most 100): name, lane
-- returns 1; 0 if it is no longer as it was seen
-- bound O(items)

return function(ctx, args)
  local job, names = args[2], { 'state', 'enqueued', 'items', 'succeeded', 'failed', 'cancelled' }
  local part = Keys.job(ctx, job)
  local seen = redis.call('HMGET', part, unpack(names))
  for i = 1, #names do
    if (seen[i] or '') ~= args[5 + i] then return 0 end
  end
  if not seen[1] then
    redis.call('HSET', part, 'chunks', 1, 'chunks_total', 1, 'since', Text.int(ctx.now), 'priority', args[18], 'source', args[19])
  end
  redis.call('HSET', part, 'state', 'active', 'enqueued', args[12], 'items', args[13], 'succeeded', args[14], 'failed', args[15],
    'cancelled', args[16])
  redis.call('HDEL', part, 'ended')
  redis.call('PERSIST', part)
  for at = 22, #args, 2 do Restore.put_anew(ctx, args[at], args[at + 1], { args[20] }, nil, tonumber(args[21])) end
  local lost, dead = tonumber(args[17]), ''
  if lost > 0 then
    dead = 'lost-' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
    local item = { name = 'lost:' .. lost .. ' items of job ' .. job, lane = '', attempts = 0, jobs = job, spill = '0', since = Text.int(ctx.now) }
    Letters.write(ctx, dead, item, '-', 'unknown', 'record-lost',
      'the records of ' .. lost .. ' items were lost in Redis and nobody knows their names: submit the job again',
      tonumber(args[4]), tonumber(args[5]))
  end
  local counts = Counts.new()
  Counts.add_entry(counts, job, 'failed', dead)
  counts.jobs[job].failed = lost
  if Counts.add_to_part(ctx, job, counts.jobs[job], tonumber(args[3]), tonumber(args[4])) then
    redis.call('HINCRBY', ctx.stats, 'jobs_ended', 1)
  end
  return 1
end
