-- Drops dead letters. What they tell of stays failed.
--
-- ARGV  2… letter ids
-- returns how many there were
-- bound O(letters)

local dropped = {}
for at = 2, #ARGV do
  if call('ZREM', DEAD, ARGV[at]) == 1 then
    drop_letter(ARGV[at])
    dropped[#dropped + 1] = ARGV[at]
  end
end
if #dropped > 0 then
  call('HINCRBY', STATS, 'dead_dropped', #dropped)
  call('XADD', OUTBOX, '*', 'what', 'dead_dropped', 'dead', table.concat(dropped, ' '), 'at', int(NOW))
end
return #dropped
