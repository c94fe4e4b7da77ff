-- Sends the requests of a file in turn; each is there as the number of its bytes on a line, and the bytes.
-- wrk … -- FILE [STATUS MARKER]: with the latter two each answer must have that status, contain the marker and tell of no
-- errors. That costs wrk much of its speed, so it is asked for in the warm-up alone.
local requests, turn, threads, status, marker = {}, 0, {}, nil, nil
wrong, sample = 0, ""

function setup(thread)
   table.insert(threads, thread)
end

local function check(got, _, body)
   if got ~= status or not string.find(body, marker, 1, true) or string.find(body, '"errors":', 1, true) then
      wrong = wrong + 1
      sample = got .. " " .. string.sub(body, 1, 300)
   end
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   for length in file:lines() do
      table.insert(requests, file:read(tonumber(length)))
   end
   file:close()
   if args[2] then
      status, marker = tonumber(args[2]), args[3]
      response = check
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency)
   local errors, bad, what = summary.errors, 0, ""
   for _, thread in ipairs(threads) do
      bad = bad + thread:get("wrong")
      what = thread:get("sample")
   end
   io.write(string.format("result %d %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout, bad))
   if bad > 0 then
      io.write("wrong ", what, "\n")
   end
end
