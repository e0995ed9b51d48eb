-- Makes a batch stand where its state says, and inflight, its counts and its items' lists agree
-- with what it holds. One that is leased and has no lease gets one that has run out, so that its
-- items go again unless its worker settles them first; one in no state goes back to its lanes.
--
-- ARGV  2 batch
-- returns what was done, a line each
-- bound O(items of the batch)

local batch, done = ARGV[2], {}
local key = T .. ':batch:' .. batch
local function no_call()
  call('ZREM', IN_FLIGHT, of_account(batch))
  return call('ZREM', LEASES, batch)
end
local function no_task()
  call('ZREM', TASKS, of_account(batch))
  return call('ZREM', POLLS, batch)
end
local function leave()
  if no_task() + call('LREM', READY, 0, batch) + no_call() > 0 then done[#done + 1] = 'it is leased, ready or asked about no more' end
  return done
end
local state, receipt, said_open, items, open = '', '', '', {}, 0
local fields = call('HGETALL', key)
if #fields == 0 then return leave() end
for at = 1, #fields, 2 do
  local field, value = fields[at], fields[at + 1]
  if field == 'state' then state = value elseif field == 'receipt' then receipt = value
  elseif field == 'open' then said_open = value elseif string.find(field, '^%d+$') then
    open = open + 1
    local item = batch_item(value)
    -- One that cannot be read is taken out by another script.
    if item.lane then items[field] = item end
  end
end
if open == 0 then
  call('DEL', key)
  done[1] = 'it held nothing and is gone'
  return leave()
end
if said_open ~= tostring(open) then
  call('HSET', key, 'open', open)
  done[#done + 1] = 'its count of open items is ' .. open
end
for index, item in pairs(items) do
  local holders = call('HGET', INFLIGHT, item.name)
  if not holders or not string.find(',' .. holders .. ',', ',' .. batch .. ',', 1, true) then
    call('HSET', INFLIGHT, item.name, holders and holders .. ',' .. batch or batch)
    done[#done + 1] = 'inflight says that it holds ' .. item.name
  end
  if item.spill == '1' and call('EXISTS', T .. ':waiters:' .. batch .. ':' .. index) == 0 then
    item.spill = '0'
    call('HSET', key, index, pack(item) .. (item.covers and ' covers=' .. item.covers or '') .. ' item=' .. item.name)
    done[#done + 1] = 'its record of ' .. item.name .. ' names the jobs that are known'
  end
end
if state ~= 'leased' and state ~= 'ready' and not (state == 'submitted' and receipt ~= '') then
  call('LREM', READY, 0, batch)
  put_batch_back(batch, 'lost', 1)
  call('PUBLISH', T .. ':wake', 'mended')
  done[#done + 1] = 'its items went back to their lanes'
  return done
end
if state ~= 'leased' and no_call() == 1 then done[#done + 1] = 'its lease was taken away' end
if state ~= 'submitted' and no_task() == 1 then done[#done + 1] = 'it is not asked about' end
if state ~= 'ready' and call('LREM', READY, 0, batch) > 0 then done[#done + 1] = 'it is not leased once more' end
if state == 'leased' and not call('ZSCORE', LEASES, batch) then
  call_begins(batch, NOW)
  done[#done + 1] = 'its lease has run out'
elseif state == 'submitted' and not call('ZSCORE', POLLS, batch) then
  task_begins(batch, NOW)
  done[#done + 1] = 'it is asked about now'
elseif state == 'ready' and not call('LPOS', READY, batch) then
  call('LPUSH', READY, batch)
  done[#done + 1] = 'it is ready to be leased'
end
if #done > 0 then call('PUBLISH', T .. ':wake', 'mended') end
return done
