-- Takes the permit for a question that is about no batch, like what is left of a quota.
--
-- args
--   2    policy, as JSON: see PollPolicy
-- returns {1, head room by which the permit is good (ms)}; {0, ms until it is worth asking again (0: unknown)}
-- bound O(permits that have left the windows)

return function(ctx, args)
  local policy = cjson.decode(args[2])
  local till = Limits.held(ctx, true)
  if till then return { 0, till > 0 and math.max(till - ctx.now, 1) or 0 } end
  local headroom, good_by = Limits.headrooms(ctx, policy.headroom_ms)
  for _, rate in ipairs(policy.rates) do
    if Limits.free(ctx, rate, headroom) < 1 then
      return { 0, math.max(Limits.free_at(ctx, rate, headroom, 1) - ctx.now, 1) }
    end
  end
  for _, rate in ipairs(policy.rates) do Limits.take(ctx, rate, headroom, 1) end
  return { 1, good_by }
end
