-- Takes an item out of a batch whose record there cannot be read. If its name can be, it waits
-- anew.
--
-- args
--   2    batch
--   3    index
--   4    its text as it was seen
--   5    item, '' if that is lost
--   6    lane
--   then the waiting jobs that can be read
-- returns 1; 0 if it is no longer as it was seen
-- bound O(waiting jobs given)

return function(ctx, args)
  local batch, index, name = args[2], args[3], args[5]
  local key, list = Keys.batch(ctx, batch), Keys.batch_waiters(ctx, batch, index)
  if redis.call('HGET', key, index) ~= args[4] then return 0 end
  redis.call('HDEL', key, index)
  redis.call('HINCRBY', key, 'open', -1)
  if name ~= '' then
    Inflight.clear(ctx, { name }, batch)
    local entries = {}
    for at = 7, #args do entries[#entries + 1] = args[at] end
    if #entries > 0 or redis.call('EXISTS', list) == 1 or redis.call('HEXISTS', ctx.pending, name) == 1 then
      Restore.put_anew(ctx, name, args[6], entries, list, 0)
    end
  end
  return 1
end
