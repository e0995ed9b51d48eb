-- Says again how parts ended that somebody began to reopen and did not: who began is dead.
--
-- args
--   2    ms after which he counts as dead
--   3    ms to keep parts that succeeded
--   4    ms to keep other parts
--   5    most parts
-- returns how many
-- bound O(parts)

return function(ctx, args)
  local overdue = redis.call('ZRANGEBYSCORE', ctx.reopening, '-inf', Text.int(ctx.now - tonumber(args[2])), 'LIMIT', 0, tonumber(args[5]))
  for _, job in ipairs(overdue) do Letters.repeat_end(ctx, job, tonumber(args[3]), tonumber(args[4])) end
  return #overdue
end
