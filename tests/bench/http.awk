# The table of tests/bench/http.sh and its CSV, out of one line a run:
# peer, requests/s, CPU us/request, share of its core, p50 us, p99 us, bytes of an answer, others' share of its core
function median(peer, column,    i, j, n, v, x) {
    n = rounds[peer]
    for (i = 1; i <= n; i++) {
        x = run[peer, i, column]
        for (j = i; j > 1 && v[j - 1] > x; j--) { v[j] = v[j - 1] }
        v[j] = x
    }
    least = v[1]
    most = v[n]
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function cell(format, value) { return value == "" ? "-" : sprintf(format, value) }
function verdict(what, value, reached, bound) {
    if (value != "") { printf "%s: %.2f (wanted: %s): %s\n", what, value, bound, reached ? "reached" : "MISSED" }
}

{
    if (!($1 in rounds)) { peers[++count] = $1 }
    n = ++rounds[$1]
    for (i = 2; i <= NF; i++) { run[$1, n, i] = $i }
    if ($8 > others) { others = $8 }
}

END {
    RATIO = 100    # the column of the CPU ratio to epoll in the same round
    for (p = 1; p <= count; p++) {
        for (n = 1; "epoll" in rounds && n <= rounds[peers[p]]; n++) {
            run[peers[p], n, RATIO] = run[peers[p], n, 3] / run["epoll", n, 3]
        }
        ratio[peers[p]] = "epoll" in rounds ? median(peers[p], RATIO) : ""
        speed[peers[p]] = median(peers[p], 2)
    }
    printf "%-6s %10s %19s %9s %8s %6s %8s %8s %6s %8s\n", "server", "requests/s", "(least - most)", "CPU us/rq",
        "to epoll", "core", "p50 us", "p99 us", "bytes", "seqd is"
    header = "peer,requests_per_second,least,most,cpu_us_per_request,cpu_to_epoll,core_share,p50_us,p99_us,bytes"
    print header > csv
    for (p = 1; p <= count; p++) {
        peer = peers[p]
        rate = median(peer, 2)
        low = least
        high = most
        cpu = median(peer, 3)
        share = median(peer, 4)
        p50 = median(peer, 5)
        p99 = median(peer, 6)
        bytes = median(peer, 7)
        faster = "seqd" in speed ? speed["seqd"] / rate : ""
        printf "%-6s %10.0f %8.0f - %8.0f %9.2f %8s %5.0f%% %8.0f %8.0f %6d %8s\n", peer, rate, low, high, cpu,
            cell("%.2f", ratio[peer]), share * 100, p50, p99, bytes, cell("%.2fx", faster)
        lines = lines sprintf("%s,%.0f,%.0f,%.0f,%.3f,%s,%.3f,%.0f,%.0f,%d\n", peer, rate, low, high, cpu,
            cell("%.3f", ratio[peer]), share, p50, p99, bytes)
    }
    if (others > 0.05) {
        printf "CAUTION: others took up to %.0f%% of the server's core: measure again on an idle machine\n", others * 100
    }
    if ("seqd" in speed) {
        if ("epoll" in speed && run["seqd", 1, 7] != run["epoll", 1, 7]) {
            print "CAUTION: seqd and epoll do not answer the same number of bytes"
        }
        verdict("seqd, CPU per request to epoll's", ratio["seqd"], ratio["seqd"] <= 1.25, "at most 1.25")
        faster = "go" in speed ? speed["seqd"] / speed["go"] : ""
        verdict("seqd, requests/s to Go's net/http", faster, faster >= 1.5, "at least 1.50")
    }
    printf "\n%s\n%s", header, lines
    printf "%s", lines > csv
}
