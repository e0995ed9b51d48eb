-- Has the items of a coverage return to their lanes that nothing would end, and forgets a dir that is
-- said to have one and does not.
--
-- args
--   2    coverage id
--   3    lane of the dir that is said to have it, '' if there is none
--   4    the dir
-- returns 1; 0 if the dir waits in its lane and has it
-- bound O(1)

return function(ctx, args)
  local id, lane, dir = args[2], args[3], args[4]
  local function has_it(name, in_lane)
    local text = redis.call('HGET', ctx.pending, name)
    local its = text and string.match(text, '^lane=(%S+) .* due=0 ')
    return its and (not in_lane or its == in_lane) and redis.call('HGET', ctx.coverages, id) == name
      and redis.call('HGET', Keys.covering(ctx, its), name) == id
  end
  if lane ~= '' then
    if has_it(dir, lane) or redis.call('HGET', Keys.covering(ctx, lane), dir) ~= id then return 0 end
    return redis.call('HDEL', Keys.covering(ctx, lane), dir)
  end
  local open = redis.call('HGET', ctx.coverages, id)
  if open and has_it(open) then return 0 end
  redis.call('HDEL', ctx.coverages, id)
  Coverage.release(ctx, id)
  return 1
end
