-- For wrk: places holds of the owners in the file OWNERS and writes their ids to the file HOLDS, or settles the holds in
-- the file HOLDS, BATCH of them per request.
local mode, round = os.getenv("MODE"), os.getenv("ROUND")
local batch = tonumber(os.getenv("BATCH") or "1")

local function lines(name)
  local list = {}
  for line in io.lines(name) do list[#list + 1] = line end
  return list
end

local ids, out
if mode == "place" then
  ids, out = lines(os.getenv("OWNERS")), assert(io.open(os.getenv("HOLDS"), "w"))
else
  ids = lines(os.getenv("HOLDS"))
end

wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["accept"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("TOKEN")

local PLACE = [[{"query":"mutation($i: HoldPlaceInput!){holdPlace(input:$i){hold{id}userErrors{code}}}","variables":{"i":{"idempotencyKey":"%s-%d","owner":{"kind":"MERCHANT","ownerId":"%s"},"amount":{"amount":"0.0001","currency":"USD"},"reference":{"referenceType":"bet","referenceId":"%s-%d"},"reason":"Benchmark"}}}]]
local SETTLE = [[{"query":"mutation($i: HoldSettleInput!){holdSettle(input:$i){settlement{id}userErrors{code}}}","variables":{"i":{"idempotencyKey":"%s-%d","settlement":{"holdId":"%s","outcome":"LOSS"}}}}]]
local SETTLE_ALL = [[{"query":"mutation($i: HoldBatchSettleInput!){holdBatchSettle(input:$i){results{settlement{id}}userErrors{code}}}","variables":{"i":{"idempotencyKey":"%s-%d","settlements":[%s]}}}]]

local sent = 0
function request()
  sent = sent + 1
  if mode == "place" then
    local owner = ids[(sent - 1) % #ids + 1]
    -- A pot takes a hundred holds.
    return wrk.format(nil, nil, nil, PLACE:format(round, sent, owner, round, math.floor(sent / 100)))
  end
  local first = (sent - 1) * batch + 1
  -- The first answer again, when no holds are left.
  if first + batch - 1 > #ids then
    sent = 1
    first = 1
  end
  if mode == "settle" then
    return wrk.format(nil, nil, nil, SETTLE:format(round, sent, ids[first]))
  end
  local items = {}
  for at = first, first + batch - 1 do
    items[#items + 1] = '{"holdId":"' .. ids[at] .. '","outcome":"LOSS"}'
  end
  return wrk.format(nil, nil, nil, SETTLE_ALL:format(round, sent, table.concat(items, ",")))
end

local bad = 0
function response(status, headers, body)
  if out then
    local id = body:match('"id":"([^"]+)"')
    if id then out:write(id, "\n") end
  end
  local refused = body:find('"code"', 1, true) and not body:find("IN_PROGRESS", 1, true)
  if status ~= 200 or refused then
    bad = bad + 1
    if bad == 1 then io.stderr:write("status " .. status .. ": " .. body:sub(1, 300) .. "\n") end
  end
end
