-- Widens the head room of an account's windows for a while: a worker takes longer from its permits to
-- its calls than is configured. Windows are kept by it until the last call has left them that may
-- have been made by such a permit.
--
-- ARGV  2 head room, ms    3 the account's longest window, ms
-- returns the head room that is in force now, ms
-- bound O(1)

-- For so long no worker needs to ask for it again.
local WIDE_MS = 60000

local ms, till = headrooms(0), NOW + WIDE_MS
ms = math.max(ms, tonumber(ARGV[2]))
local kept_till = till + ms + tonumber(ARGV[3])
kept_till = math.max(kept_till, tonumber(call('HGET', HEADROOM, 'kept_till') or 0))
call('HSET', HEADROOM, 'ms', int(ms), 'till', int(till), 'kept_till', int(kept_till))
-- Only to tidy up: what counts is the time in it.
call('PEXPIRE', HEADROOM, int(kept_till - NOW + 60000))
return int(ms)
