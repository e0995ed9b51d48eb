-- The provider refused a call because the day's quota is spent: so it is, whatever was counted.
--
-- args
--   2    quotas, as JSON: see QuotaPolicy
--   3    kind, '' for all
--   4    host whose own quota it is, or ''
-- returns {'spent', quotas}    quotas that are spent now; 0 if none of these is counted
--         {'unsure', ms}       the day has just begun, and it may be the day before that is spent: for
--                              so long it is not known
-- bound O(quotas)

return function(ctx, args)
  local kind, host = args[3], args[4]
  local quotas, of_kind, count = cjson.decode(args[2]), false, 0
  for _, quota in ipairs(quotas) do of_kind = of_kind or (kind ~= '' and quota.kind == kind) end
  for _, quota in ipairs(quotas) do
    local meant = host == '' and not quota.per_host or host ~= '' and quota.per_host
    -- That of all kinds is meant only where the kind has none of its own.
    if meant and (kind == '' or quota.kind == kind or (not of_kind and not quota.kind)) then
      local day = Quota.day_of(ctx, quota)
      local unsure = Quota.UNSURE_MS - (ctx.now - day.from_ms)
      if unsure > 0 then return { 'unsure', Text.int(unsure) } end
      local key, field = Quota.key(ctx, quota.name, day.day), quota.per_host and host or 'spent'
      local spent = tonumber(redis.call('HGET', key, field) or 0)
      local most = quota.per_host and quota.max or Quota.most_of(quota, redis.call('HGET', key, 'max'))
      redis.call('HSET', key, field, Text.int(math.max(spent, most or 0)))
      if not quota.per_host then
        -- Where nothing was known of it, it is what was let go.
        redis.call('HSET', key, 'max', Text.int(most or spent), 'told', Text.int(most or spent), 'told_at', Text.int(ctx.now))
      end
      redis.call('PEXPIRE', key, Text.int(day.till_ms - ctx.now + Quota.KEEP_MS))
      count = count + 1
    end
  end
  return { 'spent', tostring(count) }
end
