-- Settles items of a batch: counts each outcome for each waiting job, writes dead letters, puts
-- retries back, ends the part of each job whose last item has settled, and takes the outcomes down
-- in the history. An item that has settled before is skipped, so a repeated call changes nothing.
--
-- args
--   2    batch id
--   3    ms to keep parts that succeeded or were cancelled
--   4    ms to keep other parts and dead letters
--   5    most dead letters
--   6    ms to keep outcomes in the history
--   7    most items of the history
--   then for each item (at most 100): index, outcome, ms or '', class, code, message
--          outcome  done | failed | retry | again (a retry that is no attempt: nothing was sent)
--                   | unanswered (a retry of what was accepted and never came to an end)
--          ms       retry, again, unanswered: not before so many ms from now
-- returns {items settled, 1 if something is left for drain.lua, 1 if parts ended}
-- bound O(items and the jobs in their records); the jobs in spilled lists, and the items that a dir
-- covered, are left to drain.lua

return function(ctx, args)
  local batch = args[2]
  local keep_succeeded, keep_failed, most_dead = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  local keep_history, most_history = tonumber(args[6]), tonumber(args[7])
  local key = Keys.batch(ctx, batch)

  -- What of it has not settled before, read and taken out at once.
  local asked, seen, wanted = {}, {}, {}
  for at = 8, #args, 6 do
    local index = args[at]
    if not seen[index] then
      seen[index] = true
      asked[#asked + 1] = at
      wanted[#wanted + 1] = index
    end
  end
  wanted[#wanted + 1] = 'open'
  wanted[#wanted + 1] = 'rebound'
  local values = redis.call('HMGET', key, unpack(wanted))
  local before, rebounds = tonumber(values[#wanted - 1]), values[#wanted]
  local open, names = {}, {}
  for i = 1, #asked do
    local value = values[i]
    if value then
      -- Reading the whole record costs more than all else that is done with an item that is done.
      local _, spill = string.find(value, ' spill=', 1, true)
      local item, name = string.find(value, ' item=', spill, true)
      name = string.sub(value, name + 1)
      local jobs, covers = string.sub(value, spill + 8, item - 1), nil -- behind 'N jobs='
      if Names.is_dir(name) then jobs, covers = string.match(jobs, '^(%S*)'), string.match(jobs, ' covers=(%S+)$') end
      open[#open + 1] = {
        at = asked[i],
        value = value,
        spill = string.sub(value, spill + 1, spill + 1),
        jobs = jobs,
        covers = covers,
      }
      names[#names + 1] = name
    end
  end
  if #open == 0 then return { 0, 0, 0 } end
  local closes = #open >= before
  if not closes then
    redis.call('HDEL', key, unpack(wanted, 1, #asked))
    redis.call('HINCRBY', key, 'open', -#open)
  end
  Inflight.clear(ctx, names, batch)

  local counts = Counts.new()
  local done, failed = History.outcome(ctx, 'done', batch), History.outcome(ctx, 'failed', batch) .. ' dead='
  local left_to_drain, retries, again, outcomes = 0, 0, {}, {}
  for at, entry in ipairs(open) do
    local index, outcome, ms, class, code, message = unpack(args, entry.at, entry.at + 5)
    local spilled = Keys.batch_waiters(ctx, batch, index)
    -- What a dir covers settles with it only if its purge ended well.
    if entry.covers and outcome == 'done' then
      Coverage.settle(ctx, entry.covers, batch)
      left_to_drain = 1
    elseif entry.covers then
      Coverage.release(ctx, entry.covers)
    end
    if outcome ~= 'done' and outcome ~= 'failed' then
      local item = Record.batch_item(entry.value)
      retries = retries + 1
      if outcome ~= 'again' then item.attempts = item.attempts + 1 end
      if outcome == 'unanswered' then item.unanswered = item.unanswered + 1 end
      if code ~= '' then Record.set_cause(item, code) end
      local due = ctx.now + (tonumber(ms) or 0)
      if outcome == 'again' then
        again[#again + 1] = { item, due, spilled }
      else
        Pending.put_back(ctx, item.name, item, due, spilled, false)
      end
    else
      local dead = ''
      if outcome == 'failed' then
        dead = batch .. '-' .. index
        Letters.write(ctx, dead, Record.batch_item(entry.value), batch, class, code, message, keep_failed, most_dead)
      end
      Counts.add_jobs(counts, entry.jobs, outcome, dead)
      outcomes[#outcomes + 1] = names[at]
      outcomes[#outcomes + 1] = (outcome == 'done' and done or failed .. dead .. ' code=' .. string.gsub(code, '%s', '-'))
        .. ' jobs=' .. History.some_jobs(entry.jobs)
      if entry.spill == '1' then
        redis.call('RPUSH', ctx.settling, spilled .. ' ' .. outcome .. ' ' .. dead)
        left_to_drain = 1
      end
      -- A rebound does not rebound.
      if rebounds and outcome == 'done' and (entry.jobs ~= '' or entry.spill == '1' or entry.covers) then
        Rebound.plan(ctx, names[at], string.match(entry.value, '^lane=(%S+)'), rebounds)
      end
    end
  end
  -- To the front, so the last one first.
  for i = #again, 1, -1 do
    local item, due, spilled = unpack(again[i])
    Pending.put_back(ctx, item.name, item, due, spilled, true)
  end
  local ended = Counts.apply(ctx, counts, keep_succeeded, keep_failed)
  History.write(ctx, outcomes, keep_history, most_history)
  if retries > 0 then
    redis.call('HINCRBY', ctx.stats, 'retried', retries)
    redis.call('PUBLISH', ctx.wake, 'retry')
  end
  if closes then
    Calls.returned(ctx, batch)
    Calls.task_ended(ctx, batch)
    redis.call('LREM', ctx.ready, 1, batch)
    redis.call('DEL', key)
  end
  return { #open, left_to_drain, ended }
end
