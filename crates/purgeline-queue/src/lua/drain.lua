-- Counts outcomes for the waiting jobs of hot items, whose lists settle.lua left, and for those
-- whose requests have expired, a bounded number a call. Those of an item that failed are named in
-- its dead letter's list, so that it can be retried for them: at most 500, of the others the letter
-- says how many items they were.
--
-- args
--   2    ms to keep parts that succeeded
--   3    ms to keep other parts
--   4    most waiting jobs a call
-- returns {lists left, more if items are left to expire; 1 if parts ended}
-- bound O(jobs a call), and that of expire.lua

return function(ctx, args)
  local keep_succeeded, keep_failed, most = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])

  -- Jobs that a dead letter's list names at most.
  local LETTER_JOBS = 500

  local function name_jobs(dead, entries)
    local letter, list = ctx.dead .. ':' .. dead, ctx.dead .. '-jobs:' .. dead
    local keep = redis.call('PTTL', letter)
    if keep < 0 then return end -- It has been dropped.
    local room = math.min(LETTER_JOBS - redis.call('LLEN', list), #entries)
    if room > 0 then
      redis.call('RPUSH', list, unpack(entries, 1, room))
      redis.call('PEXPIRE', list, keep)
    end
    local unnamed = 0
    for i = room + 1, #entries do unnamed = unnamed + tonumber(string.match(entries[i], '%*(%d+)') or 1) end
    if unnamed > 0 then redis.call('HINCRBY', letter, 'unnamed', unnamed) end
  end

  local more_expired = Expiry.expire(ctx)
  local counts = Counts.new()
  local done = 0
  while done < most do
    local head = redis.call('LINDEX', ctx.settling, 0)
    if not head then break end
    -- The list's name may hold spaces (a resource's text); the two words behind it do not.
    local list, outcome, dead = string.match(head, '^(.*) (%l+) (%S*)$')
    local entries = redis.call('LPOP', list, most - done)
    if not entries or #entries == 0 then
      redis.call('LPOP', ctx.settling)
      done = done + 1
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
  local ended = Counts.apply(ctx, counts, keep_succeeded, keep_failed)
  return { redis.call('LLEN', ctx.settling) + (more_expired and 1 or 0), ended }
end
