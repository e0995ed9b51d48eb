-- Takes a job out of a slice of one hot item's list of waiting jobs. A list that is empty then goes
-- from the list that names it, or its record with it, if nobody else waits.
--
-- args
--   2    job id
--   3    pending, or embargoed
--   4    name of the record there
--   5    list, '': the record's own
--   6    the list that names this one, '': none
--   7    position, 0 at first
--   8    entries of a slice
--   9    ms to keep parts that were cancelled
--   10   ms to keep other parts
--   11   1: change nothing, only say
-- returns {next position (-1: that was all), state of the part, items cancelled, records that went,
--         then the lists that this one names: for further calls, this list as the one that names them}
-- bound O(entries of the slice); for each entry of the job, Redis looks through the list

return function(ctx, args)
  local job, records, name, parent, dry = args[2], Cancelling.records(ctx, args[3]), args[4], args[6], args[11] == '1'
  local list = args[5] == '' and Keys.waiters(ctx, name) or args[5]
  local from, most = tonumber(args[7]), tonumber(args[8])
  local entries = redis.call('LRANGE', list, from, from + most - 1)
  local cancelled, gone, removed, seen = 0, 0, 0, {}
  local reply = { 0, '', 0, 0 }
  for _, entry in ipairs(entries) do
    local items = Cancelling.of_job(entry, job)
    if items > 0 then
      removed = removed + 1
      if dry then
        cancelled = cancelled + items
      elseif not seen[entry] then
        seen[entry] = true
        cancelled = cancelled + items * redis.call('LREM', list, 0, entry)
      end
    elseif string.sub(entry, 1, 1) == '@' then
      reply[#reply + 1] = string.sub(entry, 2)
    end
  end
  local over = #entries < most
  if over and not dry and redis.call('EXISTS', list) == 0 then
    if parent ~= '' then
      redis.call('LREM', parent, 1, '@' .. list)
    else
      local text = redis.call('HGET', records, name)
      if text and string.find(text, ' spill=1 ', 1, true) then
        text = string.gsub(text, ' spill=1 ', ' spill=0 ', 1)
        if Cancelling.remove_alone(ctx, records, name, text) then gone = 1 else redis.call('HSET', records, name, text) end
      end
    end
  end
  reply[1] = over and -1 or from + #entries - (dry and 0 or removed)
  reply[2] = dry and (redis.call('HGET', Keys.job(ctx, job), 'state') or '') or Cancelling.count(ctx, job, cancelled, tonumber(args[9]), tonumber(args[10]))
  reply[3], reply[4] = cancelled, gone
  return reply
end
