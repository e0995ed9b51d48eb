-- Has an item return to its lane that its coverage does not list.
--
-- ARGV  2 item    3 coverage id
-- returns 1; 0 if it is not covered so
-- bound O(1)

local name = ARGV[2]
local text = call('HGET', PENDING, name)
if not text or Coverage.of(text) ~= ARGV[3] then return 0 end
local record = parse(text)
Coverage.free(name, record)
call('HSET', PENDING, name, pack(record))
stand(name, record, true)
call('PUBLISH', T .. ':wake', 'mended')
return 1
