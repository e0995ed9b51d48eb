-- The record of an item that waits: text that an operator can read:
--   lane=normal/url since=1763700000000 attempts=0 due=0 cause=- spill=0 jobs=01J…,01J…
--   since    when the item was first asked for, ms
--   attempts sends so far; 2/1: one of them was accepted and never came to an end
--   due      0: it stands in its lane; else it is delayed until then, ms. 7/9: it waits for quiet: one
--            more request that wants quiet delays it further, until 9 at most, any other lets it go
--   cause    code of the last failed attempt, - if none; under-way: the provider works on an earlier
--            request for the item and would refuse this one; covered/ID: a dir will purge it, see
--            coverage.lua; held, daily-quota: this dir covers nothing, since it may not go; rebound,
--            rebound/CODE: it is also put again after its last purge, so it may have no waiting jobs
--   spill    1: further waiting jobs are in the list waiters:<item>
--   jobs     waiting jobs; !1763700000000: of no use to that job after then, ms
-- jobs stands last, so that one more job is an append. In a batch ` covers=ID` may follow, the coverage
-- that a leased dir has, and then ` item=NAME`.

local Record = {}

function Record.pack(record)
  local unanswered = tonumber(record.unanswered)
  return 'lane=' .. record.lane .. ' since=' .. record.since .. ' attempts=' .. record.attempts
    .. (unanswered > 0 and '/' .. unanswered or '') .. ' due=' .. record.due .. (record.latest ~= '' and '/' .. record.latest or '')
    .. ' cause=' .. record.cause .. ' spill=' .. record.spill .. ' jobs=' .. record.jobs
end

function Record.parse(text)
  local lane, since, attempts, unanswered, due, latest, cause, spill, jobs = string.match(text,
    '^lane=(%S+) since=(%d+) attempts=(%d+)/?(%d*) due=(%d+)/?(%d*) cause=(%S+) spill=(%d) jobs=(%S*)')
  return { lane = lane, since = since, attempts = attempts, unanswered = tonumber(unanswered) or 0, due = due,
    latest = latest, cause = cause, spill = spill, jobs = jobs }
end

-- An item of a batch: its record, its name, and the coverage that goes along with a dir.
function Record.batch_item(value)
  local record = Record.parse(value)
  local from, to = string.find(value, ' item=', 1, true)
  record.name = string.sub(value, to + 1)
  if Names.is_dir(record.name) then record.covers = string.match(string.sub(value, 1, from - 1), ' covers=(c%d+)$') end
  return record
end

-- It may go as far as its delay is concerned.
function Record.no_delay(record) record.due, record.latest = '0', '' end

-- Whether no job waits for a record: it is there for a rebound alone.
function Record.is_alone(record) return record.jobs == '' and record.spill == '0' end

-- Takes down why an item comes back. A record that is there for a rebound goes on saying so.
function Record.set_cause(record, code)
  -- A record is read by its spaces.
  record.cause = (Record.is_alone(record) and 'rebound/' or '') .. string.gsub(code, '%s', '-')
end

-- The first time after which a waiting job has no use for the item, ms; nil if each always has.
function Record.first_expiry(jobs)
  local first
  for at in string.gmatch(jobs, '!(%d+)') do first = math.min(tonumber(at), first or math.huge) end
  return first
end

return Record
