-- What the names of items and of lanes say.

local Names = {}

local PRIORITY = { urgent = 0, normal = 1, bulk = 2 }
-- The deepest dir that is looked for above an item.
local ANCESTORS = 32

-- The rank of a priority by its name: 0 is the most urgent.
function Names.priority(word) return PRIORITY[word] end

-- The kind of a lane or of an item's name: 'url' of normal/url+delete@host, or of url+delete:….
function Names.kind_of_lane(lane) return string.match(lane, '^%l+/(%l+)') end
function Names.kind_of_name(name) return string.match(name, '^%l+') end

-- The host of an item's name, without its port; nil for a resource.
function Names.host_of_name(name)
  local authority = string.match(name, '^%l+[^:]*:%l+://([^/?]*)')
  return authority and (string.match(authority, '^(.*):%d*$') or authority)
end

function Names.is_dir(name) return string.sub(name, 1, 3) == 'dir' end

-- Lanes of an earlier priority rank first, then the one that has waited longest. 1e14 ms is
-- beyond any time of day, and sums stay exact in a double.
function Names.priority_of(lane) return PRIORITY[string.match(lane, '^%l+')] end
function Names.rank(lane, since) return Text.int(Names.priority_of(lane) * 1e14 + since) end
-- The other way round: since when the first item of a lane of this rank has waited, ms.
function Names.since_of(lane, rank) return tonumber(rank) - Names.priority_of(lane) * 1e14 end

-- Names of the dirs that would cover an item, the widest first; their action is the item's.
function Names.ancestors(name)
  local kind, action, text = string.match(name, '^(%l+)([^:]*):(.*)$')
  local _, start = string.find(text, '://', 1, true)
  local found = {}
  if kind == 'resource' or not start then return found end
  local stop = (string.find(text, '?', 1, true) or #text + 1) - 1
  local at = start + 1
  while #found < ANCESTORS do
    at = string.find(text, '/', at, true)
    if not at or at > stop then break end
    if kind == 'url' or at < #text then
      found[#found + 1] = 'dir' .. action .. ':' .. string.sub(text, 1, at)
    end
    at = at + 1
  end
  return found
end

return Names
