-- Stands after lib.lua in scripts that mend what was lost of an item.

-- A record of which nothing is known but this.
local function bare_record(lane, jobs)
  return { lane = lane, since = int(NOW), attempts = '0', unanswered = 0, due = '0', latest = '', cause = '-', spill = '0',
    jobs = jobs }
end

-- Makes an item wait anew: under the record that it has, or a new one in this lane. entries: the
-- jobs that wait for it; list: the name of a list of more of them, or nil; embargo: it may not go
-- before then, ms, or 0.
local function put_anew(name, lane, entries, list, embargo)
  local key, field = PENDING, name
  if embargo > NOW then key, field = EMBARGOED, int(embargo) .. ' ' .. name end
  local text = call('HGET', key, field)
  if not text or not parse(text).lane then
    local record = bare_record(lane, '')
    record.spill = tostring(call('EXISTS', T .. ':waiters:' .. field))
    if key == EMBARGOED then
      call('ZADD', EMBARGOES, int(embargo), field)
    else
      if not text and is_dir(name) then call('HINCRBY', STATS, 'dirs', 1) end
      call('ZREM', DELAYED, name)
      stand(name, record, true)
    end
    text = pack(record)
  end
  for _, entry in ipairs(entries) do
    text = join(field, text, entry)
    if key == PENDING then watch_expiry(name, entry) end
  end
  if list and call('EXISTS', list) == 1 then text = join_all(field, text, { jobs = '', spill = '1' }, list) end
  call('HSET', key, field, text)
  call('PUBLISH', T .. ':wake', 'mended')
end
