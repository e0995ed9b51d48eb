-- Batches that are taken from their workers.

local Batch = {}

-- All items of a batch back to the front of their lanes, in order; the batch is gone.
function Batch.put_back(ctx, batch, cause, attempts)
  local key, items, indexes, names = Keys.batch(ctx, batch), {}, {}, {}
  local fields = redis.call('HGETALL', key)
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      local index = tonumber(fields[at])
      indexes[#indexes + 1] = index
      items[index] = Record.batch_item(fields[at + 1])
      names[#names + 1] = items[index].name
    end
  end
  Inflight.clear(ctx, names, batch)
  table.sort(indexes, function(a, b) return a > b end)
  for _, index in ipairs(indexes) do
    local item = items[index]
    item.attempts = item.attempts + attempts
    if cause ~= '' then Record.set_cause(item, cause) end
    if item.covers then Coverage.release(ctx, item.covers) end
    Pending.put_back(ctx, item.name, item, 0, Keys.batch_waiters(ctx, batch, index), true)
  end
  Calls.returned(ctx, batch)
  Calls.task_ended(ctx, batch)
  redis.call('DEL', key)
  return #indexes
end

return Batch
