-- The last outcome of items, for whoever asks about a URL. Stands after lib.lua in scripts that settle.
--
-- T:history is a list of generations, the newest first; each is a hash T:history:<begin, ms>:
-- item → outcome. A generation that is full, or has served its share of the time, is followed by a
-- new one, and the oldest goes as a whole: an outcome costs one field, and no order by time.
--   done at=1763700000000 batch=b7 jobs=01J…,01J…
--   failed at=1763700000000 batch=b7 dead=b7-3 code=400034 jobs=01J…
-- jobs are some of those that waited.

local HISTORY = T .. ':history'
local GENERATIONS = 8

-- What an outcome begins with; its jobs follow. Made once for all items that are done, since it
-- is a good part of what they cost.
local function outcome_of(outcome, batch) return outcome .. ' at=' .. int(NOW) .. ' batch=' .. batch end

-- The first of a record's jobs.
local function some_jobs(jobs) return #jobs < 160 and jobs or string.match(string.sub(jobs, 1, 160), '^(.*),') end

-- Writes outcomes (item, text …). Each is kept for keep ms at least and an eighth longer at most,
-- unless there are more than `most` items: an eighth of that is one generation.
local function write_history(outcomes, keep, most)
  if #outcomes == 0 or most == 0 then return end
  local begin = call('LINDEX', HISTORY, 0)
  local span = math.ceil(keep / (GENERATIONS - 1))
  if not begin or NOW - begin >= span or call('HLEN', HISTORY .. ':' .. begin) + #outcomes / 2 > most / GENERATIONS then
    begin = int(math.max(NOW, begin and begin + 1 or 0))
    call('LPUSH', HISTORY, begin)
    while call('LLEN', HISTORY) > GENERATIONS do call('UNLINK', HISTORY .. ':' .. call('RPOP', HISTORY)) end
    call('PEXPIRE', HISTORY, int(keep + span))
    call('HSET', HISTORY .. ':' .. begin, unpack(outcomes))
    call('PEXPIRE', HISTORY .. ':' .. begin, int(keep + span))
    return
  end
  call('HSET', HISTORY .. ':' .. begin, unpack(outcomes))
end
