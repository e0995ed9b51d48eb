-- Takes a list of waiting jobs away that nothing leads to: they are then seen to lack the item,
-- whose name nobody knows. What is not as it was seen is left alone.
--
-- args
--   2    list, behind waiters:
--   3    its first entry
--   4    its length
-- returns 1; 0 if it is no longer as it was seen, or a batch or an outcome leads to it
-- bound O(1000 entries of settling)

return function(ctx, args)
  local list = Keys.waiters(ctx, args[2])
  if redis.call('LINDEX', list, 0) ~= args[3] or redis.call('LLEN', list) ~= tonumber(args[4]) then return 0 end
  local batch, index = string.match(args[2], '^(b%d+):(%d+)$')
  local value = batch and redis.call('HGET', Keys.batch(ctx, batch), index)
  if value and string.find(value, ' spill=1 ', 1, true) then return 0 end
  local outcomes = redis.call('LRANGE', ctx.settling, 0, 1000)
  if #outcomes > 1000 then return 0 end
  for _, outcome in ipairs(outcomes) do
    if string.sub(outcome, 1, #list + 1) == list .. ' ' then return 0 end
  end
  return redis.call('UNLINK', list)
end
