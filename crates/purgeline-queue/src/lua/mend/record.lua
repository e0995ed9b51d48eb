-- Writes a pending record anew that cannot be read, or that is gone while a list of jobs waits for
-- its item.
--
-- args
--   2    item
--   3    its text as it was seen, '' if there was none
--   4    lane
--   then waiting jobs
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

return function(ctx, args)
  local name = args[2]
  if (redis.call('HGET', ctx.pending, name) or '') ~= args[3] then return 0 end
  if args[3] == '' and redis.call('EXISTS', Keys.waiters(ctx, name)) == 0 then return 0 end
  if args[3] ~= '' then
    redis.call('HDEL', ctx.pending, name)
    if Names.is_dir(name) then redis.call('HINCRBY', ctx.stats, 'dirs', -1) end
  end
  local entries = {}
  for at = 5, #args do entries[#entries + 1] = args[at] end
  Restore.put_anew(ctx, name, args[4], entries, nil, 0)
  return 1
end
