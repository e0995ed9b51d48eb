-- The jobs that wait for an item: those in its record, and in the list of a record that has overflown.

local Waiters = {}

-- Longer records put further waiting jobs in a list of their own: about nine job ids.
local RECORD_BYTES = 360

-- A list of waiting jobs gets another name. That somebody has deleted it must stop nobody else.
function Waiters.rename(from, to) redis.pcall('RENAME', from, to) end

-- One more waiting job (an entry: id or id!expires) for a record's text; gives the new text.
function Waiters.join(ctx, name, text, entry)
  if string.find(text, ' spill=1 ', 1, true) then
    redis.call('RPUSH', Keys.waiters(ctx, name), entry)
    return text
  end
  if #text + #entry >= RECORD_BYTES then
    redis.call('RPUSH', Keys.waiters(ctx, name), entry)
    return (string.gsub(text, ' spill=0 ', ' spill=1 ', 1))
  end
  if string.sub(text, -1) == '=' then return text .. entry end
  return text .. ',' .. entry
end

-- All waiting jobs of one record joined to another: the inline ones each, a spilled list by
-- its name (an entry @key), so that the cost does not depend on how many wait.
function Waiters.join_all(ctx, name, text, record, spilled_key)
  for entry in string.gmatch(record.jobs, '[^,]+') do text = Waiters.join(ctx, name, text, entry) end
  if record.spill == '1' then
    -- A reference must not stay inline, where an operator would take it for a job.
    redis.call('RPUSH', Keys.waiters(ctx, name), '@' .. spilled_key)
    text = string.gsub(text, ' spill=0 ', ' spill=1 ', 1)
  end
  return text
end

return Waiters
