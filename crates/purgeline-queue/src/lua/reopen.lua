-- Begins to retry dead letters: takes down which parts of jobs they will reopen.
--
-- ARGV  2 most waiting jobs of these letters    then letter ids
-- returns {letters that were looked at (the first ones), then job, round pairs: the parts that have
--         ended, each with the round that it will be reopened in}
-- bound O(letters and the jobs that they name); a letter names at most 520

local most, looked, named = tonumber(ARGV[2]), 0, 0
local seen, reply = {}, { '' }
for at = 3, #ARGV do
  local letter = read_letter(ARGV[at])
  if letter and letter.lane ~= '' then
    if named > 0 and named + #letter.entries > most then break end
    named = named + #letter.entries
    for _, entry in ipairs(letter.entries) do
      local job = entry_job(entry)
      local part = not seen[job] and read_part(job)
      seen[job] = true
      if part and part.ended then
        call('PERSIST', T .. ':job:' .. job)
        call('ZADD', REOPENING, int(NOW), job)
        reply[#reply + 1] = job
        reply[#reply + 1] = int(part.round + 1)
      end
    end
  end
  looked = looked + 1
end
reply[1] = int(looked)
return reply
