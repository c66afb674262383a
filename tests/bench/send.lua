-- wrk script: text messages, each to another recipient. WABA_TOKEN: the token of a session.
local token = os.getenv("WABA_TOKEN")
local count = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. token

function request()
  count = count + 1
  local to = string.format("1555%07d", count % 10000000)
  return wrk.format(nil, nil, nil, '{"to": "' .. to .. '", "type": "text", "text": {"body": "Your order is on its way."}}')
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function response(status)
  if status ~= 200 then
    refused = (refused or 0) + 1
  end
end

function done(summary, latency)
  local bad = 0
  for _, thread in ipairs(threads) do
    bad = bad + (thread:get("refused") or 0)
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6, bad, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
