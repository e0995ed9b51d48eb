-- Has an item return to its lane that its coverage does not list.
--
-- args
--   2    item
--   3    coverage id
-- returns 1; 0 if it is not covered so
-- bound O(1)

return function(ctx, args)
  local name = args[2]
  local text = redis.call('HGET', ctx.pending, name)
  if not text or Coverage.of(text) ~= args[3] then return 0 end
  local record = Record.parse(text)
  Coverage.free(ctx, name, record)
  redis.call('HSET', ctx.pending, name, Record.pack(record))
  Pending.push_hint(ctx, name, record, true)
  redis.call('PUBLISH', ctx.wake, 'mended')
  return 1
end
