-- Takes a job out of a slice of what waits: items that nobody else waits for go, of others it
-- takes the job alone. What a batch holds ends as it does. Repeating it changes nothing.
--
-- args
--   2    job id
--   3    pending, or embargoed
--   4    cursor, 0 at first
--   5    records of a slice, about
--   6    ms to keep parts that were cancelled
--   7    ms to keep other parts
--   8    1: change nothing, only say
-- returns {next cursor (0: that was all), state of the part, items cancelled, records that went,
--         then the names of items whose further jobs are in lists: for cancel_waiters.lua}
-- bound O(records of the slice)

return function(ctx, args)
  local job, records, dry = args[2], Cancelling.records(ctx, args[3]), args[8] == '1'
  local cursor, fields = unpack(redis.call('HSCAN', records, args[4], 'COUNT', tonumber(args[5])))
  local cancelled, gone = 0, 0
  local reply = { cursor, '', 0, 0 }
  for at = 1, #fields, 2 do
    local name, text = fields[at], fields[at + 1]
    local head, jobs = string.match(text, '^(.* jobs=)(%S*)$')
    if string.find(text, ' spill=1 ', 1, true) then reply[#reply + 1] = name end
    local kept, items = jobs, 0
    if string.find(jobs, job, 1, true) then kept, items = Cancelling.without(jobs, job) end
    if items > 0 then
      cancelled = cancelled + items
      if dry then
        if kept == '' and string.find(text, ' spill=0 ', 1, true) then gone = gone + 1 end
      elseif Cancelling.remove_alone(ctx, records, name, head .. kept) then
        gone = gone + 1
      else
        redis.call('HSET', records, name, head .. kept)
      end
    end
  end
  reply[2] = dry and (redis.call('HGET', Keys.job(ctx, job), 'state') or '')
    or Cancelling.count(ctx, job, cancelled, tonumber(args[6]), tonumber(args[7]))
  reply[3], reply[4] = cancelled, gone
  return reply
end
