-- Counts outcomes for the waiting jobs of hot items, whose lists settle.lua left, and for those
-- whose requests have expired, and settles the items that a dir covered whose purge ended well, a
-- bounded number a call. Items that no dir covers any more return to their lanes, as in lease.lua.
-- The jobs of an item that failed are named in its dead letter's list, so that it can be retried for
-- them: at most 500, of the others the letter says how many items they were.
--
-- args
--   2    ms to keep parts that succeeded
--   3    ms to keep other parts
--   4    most waiting jobs, or items, a call
--   5    ms to keep outcomes in the history
--   6    most items of the history
-- returns {lists left, more if items are left to expire or to return; 1 if parts ended}
-- bound O(jobs and items a call, and the jobs in the items' records), and that of expire.lua

return function(ctx, args)
  local keep_succeeded, keep_failed, most = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])

  -- Jobs that a dead letter's list names at most.
  local LETTER_JOBS = 500

  local function name_jobs(dead, entries)
    local letter, list = ctx.dead .. ':' .. dead, ctx.dead .. '-jobs:' .. dead
    local keep = redis.call('PTTL', letter)
    if keep < 0 then return end -- It has been dropped.
    local room = math.max(math.min(LETTER_JOBS - redis.call('LLEN', list), #entries), 0)
    if room > 0 then
      redis.call('RPUSH', list, unpack(entries, 1, room))
      redis.call('PEXPIRE', list, keep)
    end
    local unnamed = #entries - room
    if unnamed > 0 then redis.call('HINCRBY', letter, 'unnamed', unnamed) end
  end

  local more = Expiry.expire(ctx)
  more = Coverage.uncover(ctx, most) or more
  local counts, outcomes = Counts.new(), {}

  -- The dir of a batch was purged, and so were these items, as far as they still waited for that.
  local function settle_covered(id, batch, names)
    local mine, texts, whole = Coverage.still(ctx, id, names)
    for _, other in ipairs(whole) do Coverage.settle(ctx, other, batch) end
    if #mine == 0 then return end
    local well, dirs = History.outcome(ctx, 'done', batch), 0
    for i, name in ipairs(mine) do
      local record = Record.parse(texts[i])
      Counts.add_jobs(counts, record.jobs, 'done', '')
      outcomes[#outcomes + 1] = name
      outcomes[#outcomes + 1] = well .. ' jobs=' .. History.some_jobs(record.jobs)
      if record.spill == '1' then
        -- The name is free for a new record, so the list needs one of its own.
        local list = ctx.target .. ':waiters:covered:' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
        Waiters.rename(Keys.waiters(ctx, name), list)
        redis.call('RPUSH', ctx.settling, list .. ' done ')
      end
      if Names.is_dir(name) then dirs = dirs + 1 end
    end
    redis.call('HDEL', ctx.pending, unpack(mine))
    redis.call('ZREM', ctx.delayed, unpack(mine))
    redis.call('ZREM', ctx.expiring, unpack(mine))
    if dirs > 0 then redis.call('HINCRBY', ctx.stats, 'dirs', -dirs) end
  end

  local done = 0
  while done < most do
    local head = redis.call('LINDEX', ctx.settling, 0)
    if not head then break end
    -- The list's name may hold spaces (a resource's text); the two words behind it do not. The last is
    -- the dir's batch if the list names items that it covered, else the dead letter.
    local list, outcome, dead = string.match(head, '^(.*) (%l+) (%S*)$')
    local entries = redis.call('LPOP', list, most - done)
    if not entries or #entries == 0 then
      redis.call('LPOP', ctx.settling)
      done = done + 1
    elseif outcome == 'covered' then
      done = done + #entries
      settle_covered(string.match(list, 'c%d+$'), dead, entries)
    else
      done = done + #entries
      local jobs = {}
      for _, entry in ipairs(entries) do
        if string.sub(entry, 1, 1) == '@' then
          redis.call('RPUSH', ctx.settling, string.sub(entry, 2) .. ' ' .. outcome .. ' ' .. dead)
        else
          Counts.add_entry(counts, entry, outcome, dead)
          jobs[#jobs + 1] = entry
        end
      end
      if dead ~= '' and #jobs > 0 then name_jobs(dead, jobs) end
    end
  end
  History.write(ctx, outcomes, tonumber(args[5]), tonumber(args[6]))
  local ended = Counts.apply(ctx, counts, keep_succeeded, keep_failed)
  return { redis.call('LLEN', ctx.settling) + (more and 1 or 0), ended }
end
