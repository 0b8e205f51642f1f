// The decision in Lua, for the engine to carry out in one atomic step: the rules of ../../greylist/decide.ts and of
// ../embedded/embedded.ts, so a change there needs one here. All times are by the engine's clock, whatever those of the
// hosts say.

// What DECIDE and MERGE begin with. KEYS: the triple, its client. Values as value.ts describes them. The engine's own
// expiry (PX) is to the millisecond, but a record counts in whole seconds, so `counts` checks these too.
const COMMON = `
local DAY = 86400
local now = tonumber(redis.call('TIME')[1])
local window, maxAge = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = { first = 0, last = 0, wait = 0, deferrals = 0, offsets = '' }
local function counts(first, last)
  if first == 0 or first > now then return false end
  if last == 0 then return window == 0 or now - first <= window end
  return maxAge == 0 or now - last <= maxAge + DAY
end
local value = redis.call('GET', KEYS[1])
if value and #value == 18 then
  local format, deferrals, first, last, wait = struct.unpack('<BBI4I4I4', value)
  if format == 1 and counts(first, last) then
    t = { first = first, last = last, wait = wait, deferrals = deferrals, offsets = value:sub(15):gsub('%z', '') }
  end
end
local comeBacks, seen = 0, 0
value = redis.call('GET', KEYS[2])
if value and #value == 9 then
  local format, count, last = struct.unpack('<BI4I4', value)
  if format == 1 and (maxAge == 0 or now - last <= maxAge + DAY) then comeBacks, seen = count, last end
end
local function put(key, bytes, from, life)
  if life == 0 then redis.call('SET', key, bytes)
  elseif from + life >= now then redis.call('SET', key, bytes, 'PX', (from + life - now + 1) * 1000) end
end
local function putTriple()
  local bytes = struct.pack('<BBI4I4I4', 1, math.min(t.deferrals, 255), t.first, t.last, t.wait)
  bytes = bytes .. t.offsets .. string.rep('\\0', 4 - #t.offsets)
  if t.last == 0 then put(KEYS[1], bytes, t.first, window)
  else put(KEYS[1], bytes, t.last, maxAge == 0 and 0 or maxAge + DAY) end
end
local function putClient()
  put(KEYS[2], struct.pack('<BI4I4', 1, comeBacks, seen), seen, maxAge == 0 and 0 or maxAge + DAY)
end
`;

/**
 * ARGV: retry window, max age, delay, auto-whitelist, and 1 to change nothing. Returns whether the triple passes, its age
 * in seconds, and whether the mail was delayed; each a number.
 */
export const DECIDE = `${COMMON}
local delay, most, idle = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local age = t.first == 0 and 0 or now - t.first
local listed = most > 0 and comeBacks > most
if listed and (t.first == 0 or t.last > 0) then
  if now - seen >= DAY and not idle then
    seen = now
    putClient()
  end
  return { 1, age, 0 }
end
if t.first == 0 then
  if not idle then
    t.first, t.deferrals = now, 1
    putTriple()
  end
  return { 0, 0, 0 }
end
if age <= delay and not listed then
  if age > 0 and t.last == 0 and #t.offsets < 4 and not idle then
    local code = 1 + math.floor(math.log(1 + age) / math.log(1.049) + 0.5)
    t.offsets = t.offsets .. string.char(math.min(code, 255))
    t.deferrals = t.deferrals + 1
    putTriple()
  end
  return { 0, age, 0 }
end
local first = t.last == 0
local fresh = not first and now - t.last < DAY
if not idle then
  if not fresh then
    if first then t.wait = age end
    t.last = now
    putTriple()
  end
  if most > 0 then
    comeBacks, seen = comeBacks + 1, now
    putClient()
  end
end
return { 1, age, first and 1 or 0 }
`;

/**
 * Merges what was decided elsewhere. ARGV: retry window, max age, seconds since the first sight, seconds since it passed
 * (-1: it did not), come-backs to add. The earliest first sight and the latest pass hold; the triple has passed if it did
 * anywhere.
 */
export const MERGE = `${COMMON}
local first, last = now - tonumber(ARGV[3]), tonumber(ARGV[4])
last = last < 0 and 0 or now - last
if first > 0 and counts(first, last) then
  local before = { first = t.first, last = t.last }
  if t.first == 0 then t.deferrals = 1 end
  t.first = t.first == 0 and first or math.min(t.first, first)
  if t.last == 0 and last > 0 then t.wait = math.max(0, last - t.first) end
  t.last = math.max(t.last, last)
  if t.first ~= before.first or t.last ~= before.last then putTriple() end
end
if tonumber(ARGV[5]) > 0 then
  comeBacks, seen = comeBacks + tonumber(ARGV[5]), math.max(seen, last, 1)
  putClient()
end
return 1
`;

/**
 * Writes values if all those that were read are still there. ARGV, for each key: the old value ('' for none), the new one
 * ('' to delete the key), its life in milliseconds (0: for ever, -1: the key stays as it is). Returns 1 if it did, else 0.
 */
export const EXCHANGE = `
for i, key in ipairs(KEYS) do
  if (redis.call('GET', key) or '') ~= ARGV[3 * i - 2] then return 0 end
end
for i, key in ipairs(KEYS) do
  local value, life = ARGV[3 * i - 1], ARGV[3 * i]
  if life == '-1' then
  elseif value == '' then redis.call('DEL', key)
  elseif life == '0' then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PX', life) end
end
return 1
`;

/** A record of the house and the engine's time, in seconds. */
export const HOUSE = `return { redis.call('TIME')[1], redis.call('GET', KEYS[1]) or '' }`;
