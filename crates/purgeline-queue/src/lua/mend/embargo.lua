-- Brings an embargoed request, the time at which its embargo ends and its list of waiting jobs into
-- agreement; writes its record anew if it cannot be read, or is gone while such a list is there.
--
-- ARGV  2 its name, 'MS ITEM'    3 its record's text as it was seen, '' if there was none, '*' if it
--       is whole    4 lane of a record to be written anew, '' if it is whole    then its waiting jobs
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

local name = ARGV[2]
local text, spill = call('HGET', EMBARGOED, name), tostring(call('EXISTS', T .. ':waiters:' .. name))
if ARGV[3] ~= '*' and (text or '') ~= ARGV[3] then return 0 end
if not text and spill == '0' then return call('ZREM', EMBARGOES, name) end
local record = parse(text or '')
if ARGV[4] ~= '' then record = bare_record(ARGV[4], table.concat(ARGV, ',', 5)) end
if not record.lane then return 0 end
record.spill = spill
call('HSET', EMBARGOED, name, pack(record))
call('ZADD', EMBARGOES, string.match(name, '^%d+'), name)
call('PUBLISH', T .. ':wake', 'mended')
return 1
