-- Retries dead letters: each item waits again, for the jobs that its letter names and whose parts
-- are still kept, in its lane, with no attempts behind it. It joins the same item if that waits.
-- Jobs that are being cancelled are left out; that one had no use for the item after some time holds
-- no more, since somebody wants it now. An item whose jobs are all forgotten is purged like a rebound.
--
-- args
--   2    most items that may wait here
--   3    ms to keep parts that succeeded
--   4    ms to keep other parts
--   5    promises: how many
--   then job, round pairs, as reopen.lua gave them
--   then letter ids
-- returns for each letter: retried; gone (there is none of that id); full (no room: it stays);
--         again (a part ended meanwhile: begin anew); counting (its jobs are still being counted);
--         nameless (it stands for items whose names are lost: it stays)
-- bound O(letters and the jobs that they name)

return function(ctx, args)
  local most, keep_succeeded, keep_failed = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local promised, first = {}, 6 + 2 * tonumber(args[5])
  for at = 6, first - 1, 2 do promised[args[at]] = tonumber(args[at + 1]) end

  local function room_for(name)
    if redis.call('HEXISTS', ctx.pending, name) == 1 then return true end
    return Pending.waiting(ctx) < most
  end

  -- The parts of a letter's jobs; nil if one of them has ended that nobody was told to reopen.
  local function parts_of(letter)
    local parts = {}
    for _, entry in ipairs(letter.entries) do
      local job = Letters.entry_job(entry)
      local part = parts[job] or Letters.read_part(ctx, job)
      parts[job] = part
      if part and part.ended and promised[job] ~= part.round + 1 then return nil end
    end
    return parts
  end

  -- An item of a job is open again. id: of the letter that said that it failed.
  local function reopen(job, part, id)
    local key, dead = Keys.job(ctx, job), {}
    for known in string.gmatch(part.dead, '%S+') do
      if known ~= id then dead[#dead + 1] = known end
    end
    part.dead, part.failed = table.concat(dead, ' '), part.failed - 1
    redis.call('HSET', key, 'failed', part.failed)
    if #dead > 0 then redis.call('HSET', key, 'dead', part.dead) else redis.call('HDEL', key, 'dead') end
    redis.call('HINCRBY', key, 'retried', 1)
    if part.ended then
      part.ended, part.round = false, promised[job]
      redis.call('HSET', key, 'state', 'active', 'round', part.round)
      redis.call('HDEL', key, 'ended')
      redis.call('HINCRBY', ctx.stats, 'jobs_reopened', 1)
    end
  end

  local function retry(id, letter, parts)
    local entries = {}
    for _, entry in ipairs(letter.entries) do
      local job = Letters.entry_job(entry)
      local part = parts[job]
      if part and not part.cancelling and part.failed >= 1 then
        reopen(job, part, id)
        entries[#entries + 1] = job
      end
    end
    -- What waits knows of an attempt of its own, or of none.
    local cause = '-'
    if redis.call('HEXISTS', ctx.pending, letter.item) == 0 then
      cause = letter.code == '' and '-' or string.gsub(letter.code, '%s', '-')
      if #entries == 0 then cause = 'rebound/' .. cause end
    end
    Pending.put_back(ctx, letter.item, Record.parse('lane=' .. letter.lane .. ' since=' .. Text.int(ctx.now) .. ' attempts=0 due=0 cause=' .. cause
      .. ' spill=0 jobs='), 0, '', false)
    local text = redis.call('HGET', ctx.pending, letter.item)
    for _, entry in ipairs(entries) do text = Waiters.join(ctx, letter.item, text, entry) end
    redis.call('HSET', ctx.pending, letter.item, text)
    Letters.remove(ctx, id)
    redis.call('ZREM', ctx.dead, id)
    redis.call('XADD', ctx.outbox, '*', 'what', 'dead_retried', 'dead', id, 'item', letter.item, 'at', Text.int(ctx.now))
  end

  local reply, retried = {}, 0
  for at = first, #args do
    local id = args[at]
    local letter = Letters.read(ctx, id)
    local answer = 'gone'
    if letter and letter.lane == '' then
      answer = 'nameless'
    elseif letter then
      local parts = parts_of(letter)
      if letter.more and redis.call('LLEN', ctx.settling) > 0 then
        answer = 'counting'
      elseif not parts then
        answer = 'again'
      elseif not room_for(letter.item) then
        answer = 'full'
      else
        retry(id, letter, parts)
        answer, retried = 'retried', retried + 1
      end
    end
    reply[#reply + 1] = answer
  end
  for job in pairs(promised) do Letters.repeat_end(ctx, job, keep_succeeded, keep_failed) end
  if retried > 0 then
    redis.call('HINCRBY', ctx.stats, 'dead_retried', retried)
    redis.call('PUBLISH', ctx.wake, 'retry')
  end
  return reply
end
