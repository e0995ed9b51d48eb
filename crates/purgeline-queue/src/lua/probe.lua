-- Has an open breaker probe at once: somebody has mended what was wrong.
--
-- returns the name of its hold; '' if it is closed
-- bound O(1)

local till, open = next_probe()
if not till then return '' end
local hold = call('HGET', HOLD, open)
if hold then call('HSET', HOLD, open, (string.gsub(hold, '^until=%d+', 'until=' .. int(NOW)))) end
call('PUBLISH', T .. ':wake', 'released')
return open
