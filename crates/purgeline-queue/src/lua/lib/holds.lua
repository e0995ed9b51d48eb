-- Holds of a target, or of its items of one kind: nothing is sent, everything waits and coalesces.

local Holds = {}

function Holds.ends(text) return tonumber(string.match(text, '^until=(%d+)')) end

-- Until when the items of one kind are held, 0: until somebody lifts it; nil if they are not.
function Holds.of_kind(ctx, kind)
  local hold = redis.call('HGET', ctx.hold, kind)
  if not hold then return nil end
  local till = tonumber(string.match(hold, '^until=(%d+)'))
  if till == 0 or till > ctx.now then return till end
  redis.call('HDEL', ctx.hold, kind)
end

return Holds
