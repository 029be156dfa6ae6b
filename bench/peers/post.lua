-- For wrk: posts the body from the file named by BODY_FILE, as whoever TOKEN says.
local f = assert(io.open(os.getenv("BODY_FILE"), "rb"))
wrk.method = "POST"
wrk.body = f:read("*a")
f:close()
wrk.headers["content-type"] = "application/json"
wrk.headers["accept"] = "application/json"
local token = os.getenv("TOKEN") or ""
if token ~= "" then wrk.headers["authorization"] = "Bearer " .. token end
local bad = 0
function response(status)
  if status ~= 200 then
    bad = bad + 1
    if bad == 1 then io.stderr:write("status " .. status .. "\n") end
  end
end
