-- How what was lost of an item is written anew.

local Restore = {}

-- A record of which nothing is known but this.
function Restore.bare_record(ctx, lane, jobs)
  return { lane = lane, since = Text.int(ctx.now), attempts = '0', unanswered = 0, due = '0', latest = '', cause = '-', spill = '0',
    jobs = jobs }
end

-- Makes an item wait anew: under the record that it has, or a new one in this lane. entries: the
-- jobs that wait for it; list: the name of a list of more of them, or nil; embargo: it may not go
-- before then, ms, or 0.
function Restore.put_anew(ctx, name, lane, entries, list, embargo)
  local key, field = ctx.pending, name
  if embargo > ctx.now then key, field = ctx.embargoed, Text.int(embargo) .. ' ' .. name end
  local text = redis.call('HGET', key, field)
  if not text or not Record.parse(text).lane then
    local record = Restore.bare_record(ctx, lane, '')
    record.spill = tostring(redis.call('EXISTS', Keys.waiters(ctx, field)))
    if key == ctx.embargoed then
      redis.call('ZADD', ctx.embargoes, Text.int(embargo), field)
    else
      if not text and Names.is_dir(name) then redis.call('HINCRBY', ctx.stats, 'dirs', 1) end
      redis.call('ZREM', ctx.delayed, name)
      Pending.push_hint(ctx, name, record, true)
    end
    text = Record.pack(record)
  end
  for _, entry in ipairs(entries) do
    text = Waiters.join(ctx, field, text, entry)
    if key == ctx.pending then Pending.watch_expiry(ctx, name, entry) end
  end
  if list and redis.call('EXISTS', list) == 1 then text = Waiters.join_all(ctx, field, text, { jobs = '', spill = '1' }, list) end
  redis.call('HSET', key, field, text)
  redis.call('PUBLISH', ctx.wake, 'mended')
end

return Restore
