-- For wrk: posts the body from the file BODY_FILE, each time as the next person of the file TOKENS. Prints percentiles,
-- the number of answers, and the seconds.
local function lines(name)
  local list = {}
  for line in io.lines(name) do list[#list + 1] = line end
  return list
end

local tokens = lines(os.getenv("TOKENS"))
local file = assert(io.open(os.getenv("BODY_FILE"), "rb"))
local body = file:read("*a")
file:close()
local headers = { ["content-type"] = "application/json", accept = "application/json" }

local sent = 0
function request()
  sent = sent + 1
  headers.authorization = "Bearer " .. (tokens[sent] or "")
  return wrk.format("POST", nil, headers, body)
end

local bad = 0
function response(status, _, answer)
  if sent > #tokens then
    wrk.thread:stop()
  elseif status ~= 200 or answer:find('"code"', 1, true) or answer:find('"errors"', 1, true) then
    bad = bad + 1
    if bad == 1 then io.stderr:write("status " .. status .. ": " .. answer:sub(1, 300) .. "\n") end
  end
end

function done(summary, latency)
  for _, percent in ipairs({ 50, 95, 99 }) do
    print(("p%d %.3f"):format(percent, latency:percentile(percent) / 1000))
  end
  print("answers " .. summary.requests)
  print("seconds " .. summary.duration / 1e6)
end
