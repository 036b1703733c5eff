#!/bin/sh
# Draw what tests/bench/http.sh measured as bars, in an SVG that follows the reader's light or dark theme.
#
#   tests/bench/plot.sh [build/bench/http.csv [docs/figures/http.svg]]
set -eu
csv=${1:-build/bench/http.csv}
svg=${2:-docs/figures/http.svg}
[ -r "$csv" ] || { echo "tests/bench/plot.sh: there is no '$csv': make bench" >&2 && exit 1; }
mkdir -p "$(dirname "$svg")"
awk -F, '
function name(peer) {
    return peer == "epoll" ? "minimal epoll server" : peer == "mhd" ? "bare libmicrohttpd" : \
           peer == "nginx" ? "nginx, a constant" : peer == "go" ? "Go net/http" : peer
}
function thousands(n,    text) {
    text = sprintf("%.0f", n)
    while (match(text, /[0-9][0-9][0-9][0-9](,|$)/)) { text = substr(text, 1, RSTART) "," substr(text, RSTART + 1) }
    return text
}
function text(class, x, y, words) { printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, x, y, words }
function bar(peer, x, y, length_) {
    printf "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"18\" rx=\"2\"/>\n",
        peer == "seqd" ? "ours" : "other", x, y, length_
}
NR == 1 { for (i = 1; i <= NF; i++) { column[$i] = i } next }
{
    n++
    peer[n] = $column["peer"]
    rate[n] = $column["requests_per_second"]
    low[n] = $column["least"]
    high[n] = $column["most"]
    cpu[n] = $column["cpu_us_per_request"]
    ratio[n] = $column["cpu_to_epoll"]
    if (high[n] > most) { most = high[n] }
    if (cpu[n] > dearest) { dearest = cpu[n] }
}
END {
    if (!n) { print "no measurement in it" > "/dev/stderr"; exit 1 }
    LEFT = 150; RIGHT = 480; WIDTH = 215; ROW = 30; TOP = 52
    height = TOP + n * ROW + 26
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 %d\" width=\"800\" height=\"%d\" role=\"img\">\n",
        height, height
    print "<title>GET / of seqd and other servers: requests per second and CPU time per request</title>"
    print "<style>"
    print "text { font: 13px system-ui, sans-serif; fill: #1f2328 }"
    print ".head { font-weight: 600 } .name { text-anchor: end } .note { font-size: 11px; fill: #59636e }"
    print ".ours { fill: #1f6feb } .other { fill: #a9b4c0 } .span { stroke: #1f2328; stroke-width: 1.2 }"
    print "@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 }"
    print ".ours { fill: #58a6ff } .other { fill: #59636e } .span { stroke: #e6edf3 } }"
    print "</style>"
    text("head", LEFT, 20, "Requests per second")
    text("note", LEFT, 37, "one core; the line is least to most")
    text("head", RIGHT, 20, "CPU microseconds per request")
    text("note", RIGHT, 37, "of the server; beside it, times the minimal epoll server")
    for (i = 1; i <= n; i++) {
        y = TOP + (i - 1) * ROW
        text(peer[i] == "seqd" ? "name head" : "name", LEFT - 10, y + 14, name(peer[i]))
        bar(peer[i], LEFT, y, rate[i] / most * WIDTH)
        printf "<path class=\"span\" d=\"M%.1f %d H%.1f\"/>\n", LEFT + low[i] / most * WIDTH, y + 9,
            LEFT + high[i] / most * WIDTH
        text("", LEFT + high[i] / most * WIDTH + 8, y + 14, thousands(rate[i]))
        bar(peer[i], RIGHT, y, cpu[i] / dearest * WIDTH)
        text("", RIGHT + cpu[i] / dearest * WIDTH + 8, y + 14,
            sprintf("%.1f", cpu[i]) (ratio[i] == "-" ? "" : sprintf(" (%.2f)", ratio[i])))
    }
    text("note", LEFT, height - 8, "GET / over keep-alive connections, loopback; medians; make bench")
    print "</svg>"
}' "$csv" >"$svg.new"
mv "$svg.new" "$svg"
echo "$svg"
