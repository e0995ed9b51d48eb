-- Splits a leased batch that the provider refused for an item it did not name: its two halves
-- wait ready, ahead of all lanes, and each is leased like any batch.
--
-- ARGV  2 batch id    3 worker    4 code of the refusal
-- returns {first half's id, second half's id}; {} if the lease was lost meanwhile
-- bound O(items of the batch)

local batch, worker, code = ARGV[2], ARGV[3], ARGV[4]
local key = T .. ':batch:' .. batch
local state = call('HMGET', key, 'state', 'worker')
if state[1] ~= 'leased' or state[2] ~= worker then return {} end

local values, indexes = {}, {}
local fields = call('HGETALL', key)
for at = 1, #fields, 2 do
  if string.find(fields[at], '^%d+$') then
    indexes[#indexes + 1] = tonumber(fields[at])
    values[tonumber(fields[at])] = fields[at + 1]
  end
end
table.sort(indexes)
local middle = math.ceil(#indexes / 2)
local ids = {}
for half, range in ipairs({ { 1, middle }, { middle + 1, #indexes } }) do
  local id = 'b' .. call('HINCRBY', STATS, 'seq', 1)
  local new_key = T .. ':batch:' .. id
  ids[half] = id
  for i = range[1], range[2] do
    local value, to = values[indexes[i]], i - range[1] + 1
    local item = batch_item(value)
    call('HSET', new_key, to, value)
    if item.spill == '1' then
      call('RENAME', T .. ':waiters:' .. batch .. ':' .. indexes[i], T .. ':waiters:' .. id .. ':' .. to)
    end
    if call('HGET', INFLIGHT, item.name) == batch then call('HSET', INFLIGHT, item.name, id) end
  end
  local count = range[2] - range[1] + 1
  call('HSET', new_key, 'state', 'ready', 'split_of', batch, 'cause', code, 'items', count, 'open', count, 'polls', 0)
end
-- The first half stands first; both before the halves of an earlier split, so that few batches
-- are open at once.
call('LPUSH', READY, ids[2], ids[1])
call('DEL', key)
call_returned(batch)
return ids
