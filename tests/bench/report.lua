-- What tests/bench/http.sh reads of wrk, in one line: requests, microseconds, p50, p99, bad answers, broken connections.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("report %d %d %.1f %.1f %d %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
