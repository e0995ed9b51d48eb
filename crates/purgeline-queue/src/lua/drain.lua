-- Counts outcomes for the waiting jobs of hot items, whose lists settle.lua left, and for those
-- whose requests have expired, a bounded number a call.
--
-- ARGV  2 ms to keep parts that succeeded    3 ms to keep other parts    4 most waiting jobs a call
-- returns {lists left, more if items are left to expire; 1 if parts ended}
-- bound O(jobs a call), and that of expire.lua

local keep_succeeded, keep_failed, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local more_expired = expire()
local counts = new_counts()
local done = 0
while done < most do
  local head = call('LINDEX', SETTLING, 0)
  if not head then break end
  -- The list's name may hold spaces (a resource's text); the two words behind it do not.
  local list, outcome, dead = string.match(head, '^(.*) (%l+) (%S*)$')
  local entries = call('LPOP', list, most - done)
  if not entries or #entries == 0 then
    call('LPOP', SETTLING)
    done = done + 1
  else
    done = done + #entries
    for _, entry in ipairs(entries) do
      if string.sub(entry, 1, 1) == '@' then
        call('RPUSH', SETTLING, string.sub(entry, 2) .. ' ' .. outcome .. ' ' .. dead)
      else
        count_entry(counts, entry, outcome, dead)
      end
    end
  end
end
local ended = apply_counts(counts, keep_succeeded, keep_failed)
return { call('LLEN', SETTLING) + (more_expired and 1 or 0), ended }
