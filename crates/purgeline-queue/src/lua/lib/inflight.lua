-- Which batches hold an item.

local Inflight = {}

-- Takes down that a batch holds items no longer, or that another does instead. Several batches
-- may hold the same item: each request that came after a lease gets a call of its own.
function Inflight.clear(ctx, names, batch, instead)
  for from = 1, #names, Text.SLICE do
    local to = math.min(from + Text.SLICE - 1, #names)
    local gone, left = {}, {}
    for i, holders in ipairs(redis.call('HMGET', ctx.inflight, unpack(names, from, to))) do
      local name, others = names[from + i - 1], {}
      if holders and holders ~= batch then
        for holder in string.gmatch(holders, '[^,]+') do
          if holder ~= batch then others[#others + 1] = holder end
        end
      end
      others[#others + 1] = instead
      if #others == 0 then
        gone[#gone + 1] = name
      else
        left[#left + 1] = name
        left[#left + 1] = table.concat(others, ',')
      end
    end
    if #left > 0 then redis.call('HSET', ctx.inflight, unpack(left)) end
    if #gone > 0 then
      redis.call('HDEL', ctx.inflight, unpack(gone))
      Pending.unblock(ctx, gone)
    end
  end
end

return Inflight
