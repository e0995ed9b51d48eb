-- What every part of the library needs.

local Text = {}

-- Names of one variadic call: Lua unpacks a few thousand at most.
Text.SLICE = 1000

-- A whole number as text: without an exponent, and with all its digits.
function Text.int(number) return string.format('%.0f', number) end

return Text
