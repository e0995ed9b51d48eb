-- Takes an outcome away that cannot be read and would hold up all behind it.
--
-- args
--   2    the entry
-- returns 1; 0 if it is gone
-- bound O(entries of settling)

return function(ctx, args)
  return redis.call('LREM', ctx.settling, 1, args[2])
end
