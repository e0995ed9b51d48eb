-- Takes a job out of a slice of what waits: items that nobody else waits for go, of others it
-- takes the job alone. What a batch holds ends as it does. Repeating it changes nothing.
--
-- ARGV  2 job id    3 pending, or embargoed    4 cursor, 0 at first    5 records of a slice, about
--       6 ms to keep parts that were cancelled    7 ms to keep other parts    8 1: change nothing, only say
-- returns {next cursor (0: that was all), state of the part, items cancelled, records that went,
--         then the names of items whose further jobs are in lists: for cancel_waiters.lua}
-- bound O(records of the slice)

local job, records, dry = ARGV[2], records_of(ARGV[3]), ARGV[8] == '1'
local cursor, fields = unpack(call('HSCAN', records, ARGV[4], 'COUNT', tonumber(ARGV[5])))
local cancelled, gone = 0, 0
local reply = { cursor, '', 0, 0 }
for at = 1, #fields, 2 do
  local name, text = fields[at], fields[at + 1]
  local head, jobs = string.match(text, '^(.* jobs=)(%S*)$')
  if string.find(text, ' spill=1 ', 1, true) then reply[#reply + 1] = name end
  local kept, items = jobs, 0
  if string.find(jobs, job, 1, true) then kept, items = without(jobs, job) end
  if items > 0 then
    cancelled = cancelled + items
    if dry then
      if kept == '' and string.find(text, ' spill=0 ', 1, true) then gone = gone + 1 end
    elseif drop_alone(records, name, head .. kept) then
      gone = gone + 1
    else
      call('HSET', records, name, head .. kept)
    end
  end
end
reply[2] = dry and (call('HGET', T .. ':job:' .. job, 'state') or '')
  or count_cancelled(job, cancelled, tonumber(ARGV[6]), tonumber(ARGV[7]))
reply[3], reply[4] = cancelled, gone
return reply
