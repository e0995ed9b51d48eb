-- Takes down how a job's part at one target ended; when all its parts have, the job ends.
-- Repeating it changes nothing, and says again what it said. An end that has been reopened since
-- is none.
--
-- KEYS  1 the job's key
-- args
--   1    target
--   2    items
--   3    succeeded
--   4    failed
--   5    cancelled
--   6    time, ms
--   7    ms to keep a job that succeeded or was cancelled
--   8    ms to keep another
--   9    how often the part had been reopened
-- returns {the job's state if it ended by this part, else '', 1 if it ended just now, when it ended}
-- bound O(targets of the job)

return function(key, args)
  local fields = redis.call('HMGET', key, 'state', 'targets', 'ended_by', 'last_part', 'ended', 'round:' .. args[1])
  if not fields[1] then return { '', 0, '' } end
  local round, known = tonumber(args[9]), tonumber(fields[6] or 0)
  if round < known then return { '', 0, '' } end
  -- Also of a job that has ended: whoever wished to reopen it for this round comes too late.
  if round > known then redis.call('HSET', key, 'round:' .. args[1], round) end
  if fields[1] ~= 'active' then return { fields[3] == args[1] and fields[1] or '', 0, fields[5] or '' } end
  -- Word of a part may come after word of one that ended later: the job ended with the last to end.
  local last = fields[4] and tonumber(fields[4]) > tonumber(args[6]) and fields[4] or args[6]
  redis.call('HSET', key, 'part:' .. args[1],
    'items=' .. args[2] .. ' succeeded=' .. args[3] .. ' failed=' .. args[4] .. ' cancelled=' .. args[5],
    'last_part', last)
  local items, succeeded, failed = 0, 0, 0
  for target in string.gmatch(fields[2], '%S+') do
    local part = redis.call('HGET', key, 'part:' .. target)
    if not part then return { '', 0, '' } end
    local i, s, f = string.match(part, '^items=(%d+) succeeded=(%d+) failed=(%d+)')
    items, succeeded, failed = items + i, succeeded + s, failed + f
  end
  local state = 'partial'
  if succeeded == items then state = 'succeeded' elseif succeeded == 0 then state = failed > 0 and 'failed' or 'cancelled' end
  redis.call('HSET', key, 'state', state, 'ended', last, 'ended_by', args[1])
  redis.call('PEXPIRE', key, (state == 'succeeded' or state == 'cancelled') and args[7] or args[8])
  return { state, 1, last }
end
