-- The last outcome of items, for whoever asks about a URL.
--
-- T:history is a list of generations, the newest first; each is a hash T:history:<begin, ms>:
-- item → outcome. A generation that is full, or has served its share of the time, is followed by a
-- new one, and the oldest goes as a whole: an outcome costs one field, and no order by time.
--   done at=1763700000000 batch=b7 jobs=01J…,01J…
--   failed at=1763700000000 batch=b7 dead=b7-3 code=400034 jobs=01J…
-- jobs are some of those that waited.

local History = {}

local GENERATIONS = 8

-- What an outcome begins with; its jobs follow. Made once for all items that are done, since it
-- is a good part of what they cost.
function History.outcome(ctx, outcome, batch) return outcome .. ' at=' .. Text.int(ctx.now) .. ' batch=' .. batch end

-- The first of a record's jobs.
function History.some_jobs(jobs) return #jobs < 160 and jobs or string.match(string.sub(jobs, 1, 160), '^(.*),') end

-- Writes outcomes (item, text …). Each is kept for keep ms at least and an eighth longer at most,
-- unless there are more than `most` items: an eighth of that is one generation.
function History.write(ctx, outcomes, keep, most)
  if #outcomes == 0 or most == 0 then return end
  local begin = redis.call('LINDEX', ctx.history, 0)
  local span = math.ceil(keep / (GENERATIONS - 1))
  if not begin or ctx.now - begin >= span or redis.call('HLEN', ctx.history .. ':' .. begin) + #outcomes / 2 > most / GENERATIONS then
    begin = Text.int(math.max(ctx.now, begin and begin + 1 or 0))
    redis.call('LPUSH', ctx.history, begin)
    while redis.call('LLEN', ctx.history) > GENERATIONS do redis.call('UNLINK', ctx.history .. ':' .. redis.call('RPOP', ctx.history)) end
    redis.call('PEXPIRE', ctx.history, Text.int(keep + span))
    redis.call('HSET', ctx.history .. ':' .. begin, unpack(outcomes))
    redis.call('PEXPIRE', ctx.history .. ':' .. begin, Text.int(keep + span))
    return
  end
  redis.call('HSET', ctx.history .. ':' .. begin, unpack(outcomes))
end

return History
