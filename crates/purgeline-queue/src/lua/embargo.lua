-- Stands after lib.lua in scripts that make embargoed items wait like others.
--
-- An embargoed request must not be settled by a call that begins before its time, while others may
-- want the same item at once. So it has no part in the item's pending record until then: it waits
-- in {T}:embargoed, under 'MS NAME', with those of the same item and time.

-- Embargoes lifted by one call.
local LIFTED = 500

local function lift_embargoes()
  local due = call('ZRANGEBYSCORE', EMBARGOES, '-inf', int(NOW), 'LIMIT', 0, LIFTED)
  if #due == 0 then return end
  for i, text in ipairs(call('HMGET', EMBARGOED, unpack(due))) do
    local name = string.match(due[i], '^%d+ (.*)$')
    -- Else somebody has deleted it.
    if text then put_back(name, parse(text), NOW, T .. ':waiters:' .. due[i], false) end
  end
  call('HDEL', EMBARGOED, unpack(due))
  call('ZREM', EMBARGOES, unpack(due))
end
