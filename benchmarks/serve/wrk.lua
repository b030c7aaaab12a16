-- Send one request again and again, with a number in it that counts up.
-- Arguments: the text of the request, the mark of the number, the first number, the
-- modulo. The digits are written backwards: see RequestTemplate.
local parts, number, modulo = {}, 0, 0

function init(args)
  local text, mark = args[1], args[2]
  local from = 1
  repeat
    local first, last = text:find(mark, from, true)
    parts[#parts + 1] = text:sub(from, (first or 0) - 1)
    from = (last or 0) + 1
  until first == nil
  number, modulo = tonumber(args[3]), tonumber(args[4])
  if modulo > 0 then number = number % modulo end
end

function request()
  if #parts == 1 then return parts[1] end
  local text = table.concat(parts, string.format("%09d", number):reverse())
  number = number + 1
  if modulo > 0 and number >= modulo then number = 0 end
  return text
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"seconds":%f,"responses":%d,"refused":%d,"failed":%d,' ..
    '"p50":%f,"p95":%f,"p99":%f}\n',
    summary.duration / 1e6, summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3))
end
