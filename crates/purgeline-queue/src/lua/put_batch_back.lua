-- Stands after calls.lua in scripts that take a batch from its worker.

-- All items of a batch back to the front of their lanes, in order; the batch is gone.
local function put_batch_back(batch, cause, attempts)
  local key, items, indexes, names = T .. ':batch:' .. batch, {}, {}, {}
  local fields = call('HGETALL', key)
  for at = 1, #fields, 2 do
    if string.find(fields[at], '^%d+$') then
      local index = tonumber(fields[at])
      indexes[#indexes + 1] = index
      items[index] = batch_item(fields[at + 1])
      names[#names + 1] = items[index].name
    end
  end
  let_go(names, batch)
  table.sort(indexes, function(a, b) return a > b end)
  for _, index in ipairs(indexes) do
    local item = items[index]
    item.attempts = item.attempts + attempts
    if cause ~= '' then blame(item, cause) end
    if item.covers then Coverage.release(item.covers) end
    put_back(item.name, item, 0, T .. ':waiters:' .. batch .. ':' .. index, true)
  end
  call_returned(batch)
  task_ended(batch)
  call('DEL', key)
  return #indexes
end
