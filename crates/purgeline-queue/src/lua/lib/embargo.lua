-- An embargoed request must not be settled by a call that begins before its time, while others may
-- want the same item at once. So it has no part in the item's pending record until then: it waits
-- in {T}:embargoed, under 'MS NAME', with those of the same item and time.

local Embargo = {}

-- Embargoes lifted by one call.
local LIFTED = 500

function Embargo.lift(ctx)
  local due = redis.call('ZRANGEBYSCORE', ctx.embargoes, '-inf', Text.int(ctx.now), 'LIMIT', 0, LIFTED)
  if #due == 0 then return end
  for i, text in ipairs(redis.call('HMGET', ctx.embargoed, unpack(due))) do
    local name = string.match(due[i], '^%d+ (.*)$')
    -- Else somebody has deleted it.
    if text then Pending.put_back(ctx, name, Record.parse(text), ctx.now, Keys.waiters(ctx, due[i]), false) end
  end
  redis.call('HDEL', ctx.embargoed, unpack(due))
  redis.call('ZREM', ctx.embargoes, unpack(due))
end

return Embargo
