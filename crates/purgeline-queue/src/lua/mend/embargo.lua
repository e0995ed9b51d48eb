-- Brings an embargoed request, the time at which its embargo ends and its list of waiting jobs into
-- agreement; writes its record anew if it cannot be read, or is gone while such a list is there.
--
-- args
--   2    its name, 'MS ITEM'
--   3    its record's text as it was seen, '' if there was none, '*' if it
--        is whole
--   4    lane of a record to be written anew, '' if it is whole
--   then its waiting jobs
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

return function(ctx, args)
  local name = args[2]
  local text, spill = redis.call('HGET', ctx.embargoed, name), tostring(redis.call('EXISTS', Keys.waiters(ctx, name)))
  if args[3] ~= '*' and (text or '') ~= args[3] then return 0 end
  if not text and spill == '0' then return redis.call('ZREM', ctx.embargoes, name) end
  local record = Record.parse(text or '')
  if args[4] ~= '' then record = Restore.bare_record(ctx, args[4], table.concat(args, ',', 5)) end
  if not record.lane then return 0 end
  record.spill = spill
  redis.call('HSET', ctx.embargoed, name, Record.pack(record))
  redis.call('ZADD', ctx.embargoes, string.match(name, '^%d+'), name)
  redis.call('PUBLISH', ctx.wake, 'mended')
  return 1
end
