-- Corrects what is counted of the day's quota of one kind by what the provider said is left of it.
--
-- The provider has counted every call that had returned when the telling call began, and those whose
-- own answers told of less. Of all others it is not known, so they count on top: what is let go
-- never exceeds what is left. Such doubts end with the calls in flight.
--
-- args
--   2    quotas, as JSON: see QuotaPolicy
--   3    kind
--   4    items left
--   5    items a day
--   6    batch by whose answer it was told, '' if it was asked for
--   7    mark of the quotas from before it was asked for, as in a batch's field `quotas`
-- returns 1; 0 if nothing was learned: no such quota is counted, or it may be of another day
-- bound O(quotas)

return function(ctx, args)
  local kind, left, max, batch = args[3], tonumber(args[4]), tonumber(args[5]), args[6]
  local record = Keys.batch(ctx, batch)
  local mark = batch == '' and args[7] or redis.call('HGET', record, 'quotas') or ''
  local learned = 0
  for _, quota in ipairs(cjson.decode(args[2])) do
    if quota.kind == kind and not quota.per_host then
      local day = Quota.day_of(ctx, quota)
      local own, was_vague = Quota.entry_of(mark, quota.name, day.day)
      if own and ctx.now - day.from_ms >= Quota.UNSURE_MS then
        local key = Quota.key(ctx, quota.name, day.day)
        local told, open, vague, before, max_before = unpack(redis.call('HMGET', key, 'told', 'open', 'vague', 'spent', 'max'))
        -- From now on its own items are in the provider's count, for all that is told.
        local names = batch ~= '' and redis.call('HGET', record, 'told') or ' '
        open = tonumber(open or 0) - (Quota.has_told(names, quota.name) and 0 or own)
        -- Answers may come out of order; a day's count only grows.
        told = math.max(tonumber(told or 0), max - left)
        local spent = told + open + tonumber(vague or 0) - was_vague
        redis.call('HSET', key, 'told', Text.int(told), 'told_at', Text.int(ctx.now), 'max', Text.int(max), 'spent', Text.int(spent), 'open', Text.int(open))
        redis.call('PEXPIRE', key, Text.int(day.till_ms - ctx.now + Quota.KEEP_MS))
        if batch ~= '' then
          redis.call('HSET', record, 'told', names .. quota.name .. ' ')
        end
        if max - spent > (Quota.most_of(quota, max_before) or 0) - tonumber(before or 0) then
          redis.call('PUBLISH', ctx.account_wake, 'quota')
        end
        learned = 1
      end
    end
  end
  return learned
end
