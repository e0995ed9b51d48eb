-- Takes down that a batch does not hold an item, if it does not.
--
-- args
--   2    item
--   3    batch
-- returns 1; 0 if it does hold it, or nothing says so
-- bound O(items of the batch)

return function(ctx, args)
  local holders = redis.call('HGET', ctx.inflight, args[2])
  if not holders or not string.find(',' .. holders .. ',', ',' .. args[3] .. ',', 1, true) then return 0 end
  local fields = redis.call('HGETALL', Keys.batch(ctx, args[3]))
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') and Record.batch_item(fields[at + 1]).name == args[2] then return 0 end
  end
  Inflight.clear(ctx, { args[2] }, args[3])
  return 1
end
