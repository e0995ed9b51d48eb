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

-- The items that the arguments name and that have not settled before, read and taken out at once.
-- Gives them and their names, how many the batch had, and how it rebounds.
local function take_open(ctx, args, key)
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
      open[#open + 1] = { at = asked[i], value = value, has_list = string.sub(value, spill + 1, spill + 1) == '1',
        jobs = jobs, covers = covers }
      names[#names + 1] = name
    end
  end
  if #open > 0 and #open < before then
    redis.call('HDEL', key, unpack(wanted, 1, #asked))
    redis.call('HINCRBY', key, 'open', -#open)
  end
  return open, names, before, rebounds
end

-- The record of an item that goes once more, and when.
local function retried(ctx, args, entry, outcome)
  local item, code = Record.batch_item(entry.value), args[entry.at + 4]
  if outcome ~= 'again' then item.attempts = item.attempts + 1 end
  if outcome == 'unanswered' then item.unanswered = item.unanswered + 1 end
  if code ~= '' then Record.set_cause(item, code) end
  return item, ctx.now + (tonumber(args[entry.at + 2]) or 0)
end

-- Puts the items of `again` back to the front of their lanes, so the last one first.
local function put_again(ctx, args, batch, again)
  for i = #again, 1, -1 do
    local item, due = retried(ctx, args, again[i], 'again')
    Pending.put_back(ctx, item.name, item, due, Keys.batch_waiters(ctx, batch, args[again[i].at]), true)
  end
end

return function(ctx, args)
  local batch = args[2]
  local keep_succeeded, keep_failed, most_dead = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  local key = Keys.batch(ctx, batch)
  local open, names, before, rebounds = take_open(ctx, args, key)
  if #open == 0 then return { 0, 0, 0 } end
  Inflight.clear(ctx, names, batch)

  local counts = Counts.new()
  -- What an outcome begins with. Made once, since it is a good part of what an item that is done costs.
  local done = History.outcome(ctx, 'done', batch) .. ' jobs='
  local left_to_drain, retries, again, outcomes = 0, 0, {}, {}
  for i = 1, #open do
    local entry = open[i]
    local index, outcome = args[entry.at], args[entry.at + 1]
    -- What a dir covers settles with it only if its purge ended well.
    if entry.covers and outcome == 'done' then
      Coverage.settle(ctx, entry.covers, batch)
      left_to_drain = 1
    elseif entry.covers then
      Coverage.release(ctx, entry.covers)
    end
    if outcome == 'done' or outcome == 'failed' then
      local dead, text = '', done
      if outcome == 'failed' then
        local class, code, message = unpack(args, entry.at + 3, entry.at + 5)
        dead = batch .. '-' .. index
        Letters.write(ctx, dead, Record.batch_item(entry.value), batch, class, code, message, keep_failed, most_dead)
        text = History.outcome(ctx, 'failed', batch) .. ' dead=' .. dead .. ' code=' .. string.gsub(code, '%s', '-') .. ' jobs='
      end
      Counts.add_jobs(counts, entry.jobs, outcome, dead)
      outcomes[#outcomes + 1] = names[i]
      outcomes[#outcomes + 1] = text .. History.some_jobs(entry.jobs)
      if entry.has_list then
        redis.call('RPUSH', ctx.settling, Keys.batch_waiters(ctx, batch, index) .. ' ' .. outcome .. ' ' .. dead)
        left_to_drain = 1
      end
      -- A rebound does not rebound.
      if rebounds and outcome == 'done' and (entry.jobs ~= '' or entry.has_list or entry.covers) then
        Rebound.plan(ctx, names[i], string.match(entry.value, '^lane=(%S+)'), rebounds)
      end
    else
      retries = retries + 1
      if outcome == 'again' then
        again[#again + 1] = entry
      else
        local item, due = retried(ctx, args, entry, outcome)
        Pending.put_back(ctx, item.name, item, due, Keys.batch_waiters(ctx, batch, index), false)
      end
    end
  end
  put_again(ctx, args, batch, again)
  local ended = Counts.apply(ctx, counts, keep_succeeded, keep_failed)
  History.write(ctx, outcomes, tonumber(args[6]), tonumber(args[7]))
  if retries > 0 then
    redis.call('HINCRBY', ctx.stats, 'retried', retries)
    redis.call('PUBLISH', ctx.wake, 'retry')
  end
  if #open >= before then
    Calls.returned(ctx, batch)
    Calls.task_ended(ctx, batch)
    redis.call('LREM', ctx.ready, 1, batch)
    redis.call('DEL', key)
  end
  return { #open, left_to_drain, ended }
end
