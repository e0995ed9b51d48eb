-- Begins to retry dead letters: takes down which parts of jobs they will reopen.
--
-- args
--   2    most waiting jobs of these letters
--   then letter ids
-- returns {letters that were looked at (the first ones), then job, round pairs: the parts that have
--         ended, each with the round that it will be reopened in}
-- bound O(letters and the jobs that they name); a letter names at most 520

return function(ctx, args)
  local most, looked, named = tonumber(args[2]), 0, 0
  local seen, reply = {}, { '' }
  for at = 3, #args do
    local letter = Letters.read(ctx, args[at])
    if letter and letter.lane ~= '' then
      if named > 0 and named + #letter.entries > most then break end
      named = named + #letter.entries
      for _, entry in ipairs(letter.entries) do
        local job = Letters.entry_job(entry)
        local part = not seen[job] and Letters.read_part(ctx, job)
        seen[job] = true
        if part and part.ended then
          redis.call('PERSIST', Keys.job(ctx, job))
          redis.call('ZADD', ctx.reopening, Text.int(ctx.now), job)
          reply[#reply + 1] = job
          reply[#reply + 1] = Text.int(part.round + 1)
        end
      end
    end
    looked = looked + 1
  end
  reply[1] = Text.int(looked)
  return reply
end
