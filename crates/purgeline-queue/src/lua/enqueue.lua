-- Makes the items of one chunk of a job wait at a target: each joins the pending record of the
-- same item, or gets a record of its own, which waits for a dir if one that waits covers it. With not_before in
-- the future they wait apart until then (embargo.lua), coalesced with those of the same time.
--
-- args
--   2    job id
--   3    chunk number, from 0
--   4    chunks of the job at this target
--   5    items of the job at this target
--   6    most items that may wait here
--   7    priority
--   8    source, may be ''
--   9    '' or words, times in ms: quiet=10000 max_wait=60000 not_before=1763700000000 expires=1763700000000
--   then for each item (at most 500): name, lane
-- returns {'ok', new, joined, covered}   new: not counting those that are covered
--         {'repeated'}          this chunk was taken before: nothing was added. It is counted in the
--                               job's part, so that this connection has written something that WAIT
--                               can wait for
--         {'full', waiting}     nothing was added
--         {'gap', chunks taken} an earlier chunk is missing: nothing was added
--         {'changed'}           the job has other items or chunks here than it said before
--         {'abandoned'}         the producer stayed away too long and the part was closed
--         {'cancelled'}         the job has been cancelled here
-- bound O(items), whatever the number of jobs that wait for an item

return function(ctx, args)
  local job, chunk, chunks, total, most = args[2], tonumber(args[3]), tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
  local priority, source = args[7], args[8]
  local first = 10
  local function timing(word) return tonumber(string.match(args[9], word .. '=(%d+)')) end
  local quiet, max_wait, not_before, expires
  if args[9] ~= '' then
    quiet, max_wait, not_before, expires = timing('quiet'), timing('max_wait'), timing('not_before'), timing('expires')
    if not_before and not_before <= ctx.now then not_before = nil end
    -- What is urgent waits for no quiet; an embargo is all the waiting that there is.
    if priority == 'urgent' or not_before then quiet = nil end
  end
  local entry = expires and job .. '!' .. Text.int(expires) or job
  local part = Keys.job(ctx, job)

  local known = redis.call('HMGET', part, 'chunks', 'abandoned', 'items', 'chunks_total', 'enqueued', 'cancel')
  if known[2] then return { 'abandoned' } end
  if known[6] then return { 'cancelled' } end
  if known[1] and (tonumber(known[3]) ~= total or tonumber(known[4]) ~= chunks) then return { 'changed' } end
  local taken = tonumber(known[1] or 0)
  if taken > chunk then
    redis.call('HINCRBY', part, 'repeated', 1)
    return { 'repeated' }
  end
  if taken < chunk then return { 'gap', taken } end

  local names, lanes = {}, {}
  for at = first, #args, 2 do
    names[#names + 1] = args[at]
    lanes[#lanes + 1] = args[at + 1]
  end
  -- Else the part would never end.
  local enqueued = tonumber(known[5] or 0) + #names
  if enqueued > total or (chunk + 1 == chunks and enqueued < total) then return { 'changed' } end
  local store = ctx.pending
  if not_before then
    store = ctx.embargoed
    for i, name in ipairs(names) do names[i] = Text.int(not_before) .. ' ' .. name end
  end
  local texts = redis.call('HMGET', store, unpack(names))

  -- Which dirs wait above the new items; those of this very call are seen through `changed`.
  local changed = {} -- name -> record text to write
  local waiting_dirs = {}
  local coverable = not not_before and not Holds.of_kind(ctx, 'dir')
  if coverable and tonumber(redis.call('HGET', ctx.stats, 'dirs') or 0) > 0 then
    local asked, order = {}, {}
    for i, name in ipairs(names) do
      if not texts[i] then
        for _, dir in ipairs(Names.ancestors(name)) do
          if not asked[dir] then
            asked[dir] = true
            order[#order + 1] = dir
          end
        end
      end
    end
    for at = 1, #order, 1000 do
      local to = math.min(at + 999, #order)
      local found = redis.call('HMGET', ctx.pending, unpack(order, at, to))
      for i = at, to do waiting_dirs[order[i]] = found[i - at + 1] or nil end
    end
  end
  local new_dirs = false
  local function covering(name)
    if not coverable or not (new_dirs or next(waiting_dirs)) then return nil end
    for _, dir in ipairs(Names.ancestors(name)) do
      local text = changed[dir] or waiting_dirs[dir]
      if text and Coverage.offers(text, Names.priority(priority)) then return dir end
    end
  end

  -- The text of a new record, the same for all of a lane. What is embargoed is asked for at its time.
  local since, due = ctx.now, '0'
  if not_before then since, due = not_before, Text.int(not_before) end
  if quiet then due = Text.int(ctx.now + math.min(quiet, max_wait)) .. '/' .. Text.int(ctx.now + max_wait) end
  local fresh = {}
  local function new_record(lane)
    local text = fresh[lane]
    if not text then
      text = 'lane=' .. lane .. ' since=' .. Text.int(since) .. ' attempts=0 due=' .. due .. ' cause=- spill=0 jobs=' .. entry
      fresh[lane] = text
    end
    return text
  end

  -- Decided before anything is written, since a full queue changes nothing.
  local plan, created, covered = {}, 0, 0
  local covering_dir = {} -- of each item that is planned to be covered, by its place
  for i, name in ipairs(names) do
    if texts[i] or changed[name] then
      plan[i] = 'join'
    else
      local dir = covering(name)
      if dir then
        plan[i], covering_dir[i] = 'cover', dir
        covered = covered + 1
        changed[name] = '' -- It has a record from now on, which covers nothing.
      else
        plan[i] = 'new'
        created = created + 1
        changed[name] = new_record(lanes[i])
        if Names.is_dir(name) then new_dirs = true end
      end
    end
  end
  -- A job of several chunks is refused as a whole, on its first, and its announced items keep their
  -- room: they may coalesce, which only the later chunks will tell.
  if chunk == 0 then
    local have, more = Pending.waiting(ctx), chunks > 1 and total or created + covered
    if more > 0 and have + more > most then return { 'full', have } end
  end

  local pushes, new_dir_count, joined = {}, 0, 0
  local function push(lane, name)
    local list = pushes[lane]
    if not list then
      list = {}
      pushes[lane] = list
    end
    list[#list + 1] = name
  end
  local delays, released = {}, {}
  local to_list = {} -- dir -> its coverage's id and new names
  local function delay(name, till)
    delays[#delays + 1] = till
    delays[#delays + 1] = name
  end
  -- One more request for a record that is delayed. Those who wait for quiet wait on, at most as long
  -- as the most impatient of them said; who does not is not made late by them, and takes them along.
  -- Any other delay holds for all: the provider asked for it.
  local function meet_delayed(name, text, lane)
    local head, latest, tail = string.match(text, '^(lane=%S+ since=%d+ attempts=%S+ due=)%d+/(%d+)( .*)$')
    if not head then return text end
    if not quiet then
      released[#released + 1] = name
      push(lane, name)
      return head .. '0' .. tail
    end
    latest = math.min(tonumber(latest), ctx.now + max_wait)
    local till = Text.int(math.min(ctx.now + quiet, latest))
    delay(name, till)
    return head .. till .. '/' .. Text.int(latest) .. tail
  end
  -- The waiting dirs that cover what this chunk joins, and their records. Who is covered by none that
  -- is still in its lane came before that was leased, so it must not wait for it together with who comes now.
  local dir_of, dir_texts = {}, {}
  local function read_coverages()
    local ids, dirs, seen = {}, {}, {}
    for i in ipairs(names) do
      local id = plan[i] == 'join' and texts[i] and Coverage.of(texts[i])
      if id and not seen[id] then
        seen[id] = true
        ids[#ids + 1] = id
      end
    end
    if #ids == 0 then return end
    for i, dir in ipairs(Coverage.dirs_of(ctx, ids)) do
      if dir then
        dir_of[ids[i]] = dir
        dirs[#dirs + 1] = dir
      end
    end
    if #dirs == 0 then return end
    for i, text in ipairs(redis.call('HMGET', ctx.pending, unpack(dirs))) do dir_texts[dirs[i]] = text end
  end
  -- One more request for a record that is covered, which has the request's haste by now.
  local function meet_covered(name, text, id)
    local dir = dir_of[id]
    local dir_text = dir and (changed[dir] or dir_texts[dir])
    if dir_text and Coverage.offers(dir_text, Names.priority_of(string.sub(text, 6))) then return text end
    released[#released + 1] = name
    push(string.match(text, '^lane=(%S+)'), name)
    return (string.gsub(text, ' due=%S+ cause=%S+ ', ' due=0 cause=- ', 1))
  end
  read_coverages()
  for i, name in ipairs(names) do
    if plan[i] == 'cover' then
      local dir = covering_dir[i]
      local listed = to_list[dir]
      if not listed then
        listed = { id = Coverage.id_of(ctx, dir, string.match(changed[dir] or waiting_dirs[dir], '^lane=(%S+)')) }
        listed.till, listed.cause = Coverage.words(ctx, listed.id)
        to_list[dir] = listed
        -- A duplicate of an item in this very call joins it.
        dir_of[listed.id], dir_texts[dir] = dir, waiting_dirs[dir]
      end
      listed[#listed + 1] = name
      delay(name, listed.till)
      changed[name] = 'lane=' .. lanes[i] .. ' since=' .. Text.int(since) .. ' attempts=0 due=' .. listed.till .. ' cause='
        .. listed.cause .. ' spill=0 jobs=' .. entry
      if Names.is_dir(name) then new_dir_count = new_dir_count + 1 end
    elseif plan[i] == 'new' then
      if quiet then
        delay(name, Text.int(ctx.now + math.min(quiet, max_wait)))
      elseif not_before then
        delay(name, due)
      else
        push(lanes[i], name)
      end
      if Names.is_dir(name) then new_dir_count = new_dir_count + 1 end
    elseif plan[i] == 'join' then
      joined = joined + 1
      local text = changed[name] or texts[i]
      local lane = string.match(text, '^lane=(%S+)')
      local stands = string.find(text, ' due=0 ', 1, true)
      if Names.priority_of(lane) > Names.priority(priority) then
        -- An urgent job asks for what waits with less haste: the record moves, the old hint is skipped.
        text = 'lane=' .. lanes[i] .. string.sub(text, #lane + 6)
        if stands then Coverage.move(ctx, name, lane, lanes[i]) end
        lane = lanes[i]
        if stands then push(lane, name) end
      end
      if not stands then
        local id = Coverage.of(text)
        text = id and meet_covered(name, text, id) or meet_delayed(name, text, lane)
      end
      changed[name] = Waiters.join(ctx, name, text, entry)
    end
  end

  local writes = {}
  for name, text in pairs(changed) do
    writes[#writes + 1] = name
    writes[#writes + 1] = text
  end
  for at = 1, #writes, 1000 do redis.call('HSET', store, unpack(writes, at, math.min(at + 999, #writes))) end
  for dir, listed in pairs(to_list) do
    Coverage.list(ctx, listed.id, listed, dir, string.match(changed[dir] or waiting_dirs[dir], '^lane=(%S+)'))
  end
  if #delays > 0 then redis.call('ZADD', not_before and ctx.embargoes or ctx.delayed, unpack(delays)) end
  if #released > 0 then redis.call('ZREM', ctx.delayed, unpack(released)) end
  if expires and not not_before then
    for name in pairs(changed) do redis.call('ZADD', ctx.expiring, 'LT', Text.int(expires), name) end
  end
  for lane, list in pairs(pushes) do
    redis.call('RPUSH', Keys.lane(ctx, lane), unpack(list))
    redis.call('ZADD', ctx.lanes, 'NX', Names.rank(lane, ctx.now), lane)
  end
  if new_dir_count > 0 then redis.call('HINCRBY', ctx.stats, 'dirs', new_dir_count) end

  if chunk == 0 then
    redis.call('HSET', part, 'state', 'active', 'items', total, 'succeeded', 0, 'failed', 0, 'cancelled', 0,
      'enqueued', #names, 'chunks', 1, 'chunks_total', chunks, 'since', Text.int(ctx.now), 'priority', priority, 'source', source)
    redis.call('HINCRBY', ctx.stats, 'jobs', 1)
    if chunks > 1 then
      redis.call('ZADD', ctx.submitting, Text.int(ctx.now), job)
      redis.call('HINCRBY', ctx.stats, 'announced', total - #names)
    end
  else
    redis.call('HSET', part, 'chunks', chunk + 1, 'enqueued', enqueued)
    redis.call('HINCRBY', ctx.stats, 'announced', -#names)
  end
  if chunk + 1 == chunks and chunks > 1 then redis.call('ZREM', ctx.submitting, job) end
  redis.call('HINCRBY', ctx.stats, 'asked', #names)
  if joined > 0 then redis.call('HINCRBY', ctx.stats, 'joined', joined) end
  if next(pushes) or #delays > 2 * covered then redis.call('PUBLISH', ctx.wake, 'enqueued') end
  return { 'ok', created, joined, covered }
end
