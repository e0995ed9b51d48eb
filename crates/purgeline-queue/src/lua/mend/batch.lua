-- Makes a batch stand where its state says, and inflight, its counts and its items' lists agree
-- with what it holds. One that is leased and has no lease gets one that has run out, so that its
-- items go again unless its worker settles them first; one in no state goes back to its lanes.
--
-- args
--   2    batch
-- returns what was done, a line each
-- bound O(items of the batch)

return function(ctx, args)
  local batch, done = args[2], {}
  local key = Keys.batch(ctx, batch)
  local function no_call()
    redis.call('ZREM', ctx.in_flight, Calls.of_account(ctx, batch))
    return redis.call('ZREM', ctx.leases, batch)
  end
  local function no_task()
    redis.call('ZREM', ctx.tasks, Calls.of_account(ctx, batch))
    return redis.call('ZREM', ctx.polls, batch)
  end
  local function leave()
    if no_task() + redis.call('LREM', ctx.ready, 0, batch) + no_call() > 0 then done[#done + 1] = 'it is leased, ready or asked about no more' end
    return done
  end
  local state, receipt, said_open, items, open = '', '', '', {}, 0
  local fields = redis.call('HGETALL', key)
  if #fields == 0 then return leave() end
  for at = 1, #fields, 2 do
    local field, value = fields[at], fields[at + 1]
    if field == 'state' then state = value elseif field == 'receipt' then receipt = value
    elseif field == 'open' then said_open = value elseif string.find(field, '^%d+$') then
      open = open + 1
      local item = Record.batch_item(value)
      -- One that cannot be read is taken out by another script.
      if item.lane then items[field] = item end
    end
  end
  if open == 0 then
    redis.call('DEL', key)
    done[1] = 'it held nothing and is gone'
    return leave()
  end
  if said_open ~= tostring(open) then
    redis.call('HSET', key, 'open', open)
    done[#done + 1] = 'its count of open items is ' .. open
  end
  for index, item in pairs(items) do
    local holders = redis.call('HGET', ctx.inflight, item.name)
    if not holders or not string.find(',' .. holders .. ',', ',' .. batch .. ',', 1, true) then
      redis.call('HSET', ctx.inflight, item.name, holders and holders .. ',' .. batch or batch)
      done[#done + 1] = 'inflight says that it holds ' .. item.name
    end
    if item.spill == '1' and redis.call('EXISTS', Keys.batch_waiters(ctx, batch, index)) == 0 then
      item.spill = '0'
      redis.call('HSET', key, index, Record.pack(item) .. (item.covers and ' covers=' .. item.covers or '') .. ' item=' .. item.name)
      done[#done + 1] = 'its record of ' .. item.name .. ' names the jobs that are known'
    end
  end
  if state ~= 'leased' and state ~= 'ready' and not (state == 'submitted' and receipt ~= '') then
    redis.call('LREM', ctx.ready, 0, batch)
    Batch.put_back(ctx, batch, 'lost', 1)
    redis.call('PUBLISH', ctx.wake, 'mended')
    done[#done + 1] = 'its items went back to their lanes'
    return done
  end
  if state ~= 'leased' and no_call() == 1 then done[#done + 1] = 'its lease was taken away' end
  if state ~= 'submitted' and no_task() == 1 then done[#done + 1] = 'it is not asked about' end
  if state ~= 'ready' and redis.call('LREM', ctx.ready, 0, batch) > 0 then done[#done + 1] = 'it is not leased once more' end
  if state == 'leased' and not redis.call('ZSCORE', ctx.leases, batch) then
    Calls.begins(ctx, batch, ctx.now)
    done[#done + 1] = 'its lease has run out'
  elseif state == 'submitted' and not redis.call('ZSCORE', ctx.polls, batch) then
    Calls.task_begins(ctx, batch, ctx.now)
    done[#done + 1] = 'it is asked about now'
  elseif state == 'ready' and not redis.call('LPOS', ctx.ready, batch) then
    redis.call('LPUSH', ctx.ready, batch)
    done[#done + 1] = 'it is ready to be leased'
  end
  if #done > 0 then redis.call('PUBLISH', ctx.wake, 'mended') end
  return done
end
