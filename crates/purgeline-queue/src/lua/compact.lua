-- Drops stale hints from a lane that has many more hints than there are pending items, a slice a
-- call: valid ones go round to the end of the list, so a whole turn keeps their order.
--
-- args
--   2    lane
--   3    hints to look at
-- returns hints dropped
-- bound O(hints looked at)

return function(ctx, args)
  local key = Keys.lane(ctx, args[2])
  local names = redis.call('LPOP', key, tonumber(args[3]))
  if not names or #names == 0 then return 0 end
  local keep, seen = {}, {}
  local texts = redis.call('HMGET', ctx.pending, unpack(names))
  for i, name in ipairs(names) do
    local text = texts[i]
    if text and not seen[name] and string.sub(text, 6, 6 + #args[2]) == args[2] .. ' ' and string.find(text, ' due=0 ', 1, true) then
      seen[name] = true
      keep[#keep + 1] = name
    end
  end
  if #keep > 0 then redis.call('RPUSH', key, unpack(keep)) end
  return #names - #keep
end
