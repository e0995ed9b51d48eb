-- Splits a leased batch that the provider refused for an item it did not name, or one that it
-- accepted and that ended badly for such an item: its two halves wait ready, ahead of all lanes,
-- and each is leased like any batch.
--
-- args
--   2    batch id
--   3    worker; '' for an accepted batch, which no worker holds
--   4    code of the refusal
-- returns {first half's id, second half's id}, one id if one item was left; {} if the lease was
--         lost meanwhile, or the batch is no longer open
-- bound O(items of the batch)

return function(ctx, args)
  local batch, worker, code = args[2], args[3], args[4]
  local key = Keys.batch(ctx, batch)
  local state = redis.call('HMGET', key, 'state', 'worker', 'rebound', 'heard')
  local its_own = state[1] == 'leased' and state[2] == worker
  local open = state[1] == 'submitted' and worker == ''
  if not its_own and not open then return {} end

  local values, indexes = {}, {}
  local fields = redis.call('HGETALL', key)
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      indexes[#indexes + 1] = tonumber(fields[at])
      values[tonumber(fields[at])] = fields[at + 1]
    end
  end
  table.sort(indexes)
  local middle = math.ceil(#indexes / 2)
  local ids = {}
  for _, range in ipairs({ { 1, middle }, { middle + 1, #indexes } }) do
    local count = range[2] - range[1] + 1
    if count > 0 then
      local id = 'b' .. redis.call('HINCRBY', ctx.stats, 'seq', 1)
      local new_key = Keys.batch(ctx, id)
      ids[#ids + 1] = id
      local names = {}
      for i = range[1], range[2] do
        local value, to = values[indexes[i]], i - range[1] + 1
        local item = Record.batch_item(value)
        -- A dir that has to be sent once more covers nothing meanwhile.
        if item.covers then
          Coverage.release(ctx, item.covers)
          value = Record.pack(item) .. ' item=' .. item.name
        end
        redis.call('HSET', new_key, to, value)
        if item.spill == '1' then
          Waiters.rename(Keys.batch_waiters(ctx, batch, indexes[i]), Keys.batch_waiters(ctx, id, to))
        end
        names[#names + 1] = item.name
      end
      Inflight.clear(ctx, names, batch, id)
      redis.call('HSET', new_key, 'state', 'ready', 'split_of', batch, 'cause', code, 'items', count, 'open', count, 'polls', 0)
      if state[3] then redis.call('HSET', new_key, 'rebound', state[3]) end
    end
  end
  -- The first half stands first; both before the halves of an earlier split, so that few batches
  -- are open at once.
  for half = #ids, 1, -1 do redis.call('LPUSH', ctx.ready, ids[half]) end
  -- A call that was refused as a whole has spent nothing of the day; one that got no answer may have.
  if its_own and state[4] ~= '1' then Quota.unspent(ctx, batch) end
  Calls.returned(ctx, batch)
  Calls.task_ended(ctx, batch)
  redis.call('DEL', key)
  return ids
end
