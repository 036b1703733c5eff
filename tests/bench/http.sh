#!/bin/bash
# Compare seqd's `GET /` with other servers that answer a number, one after another and round after round, the server on
# one core and wrk on another. Prints medians and writes build/bench/http.csv, of which plot.sh makes a figure.
#
#   SEQD=build/seqd BENCH_DIR=build/release/tests/bench tests/bench/http.sh
#
#   ROUNDS=5 SECONDS_PER_RUN=5 CONNECTIONS=64 SERVER_CPU=0 CLIENT_CPU=1 OUT=build/bench
#   PEERS='epoll seqd mhd nginx go'   those that are not there are left out, loudly
#
# The order is turned round after each round, and a peer's CPU is compared with epoll's of the same round, so a machine
# that grows faster or slower meanwhile does not decide. Where a server leaves some of its core unused, wrk was the
# limit: then compare the CPU, not the requests/s.
set -euo pipefail
here=$(dirname "$0")
seqd=${SEQD:-build/seqd}
programs=${BENCH_DIR:-${1:-build/release/tests/bench}}
out=${OUT:-build/bench}
rounds=${ROUNDS:-5}
seconds=${SECONDS_PER_RUN:-5}
connections=${CONNECTIONS:-64}
server_cpu=${SERVER_CPU:-0}
client_cpu=${CLIENT_CPU:-1}
read -ra peers <<<"${PEERS:-epoll seqd mhd nginx go}"
headers=('Content-Type: text/plain' 'Cache-Control: no-store') # seqd's own take their place

say() { echo "tests/bench/http.sh: $*" >&2; }
die() { say "$*" && exit 1; }

scratch=$(mktemp -d)
server=
stop() { # only ever the server that we started
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null || true
    timeout 10 tail -s 0.05 --pid="$server" -f /dev/null || kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

ask() { # PORT: the head of the answer to GET /, then an empty line, then the body; fails when nobody answers
    local line length=0
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&3
    while IFS= read -r -t 2 line <&3 && line=${line%$'\r'} && [ -n "$line" ]; do
        [[ ${line,,} != content-length:* ]] || length=${line#*: }
        echo "$line"
    done
    echo
    timeout 2 head -c "$length" <&3
    exec 3>&-
} 2>/dev/null

free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    die 'no free port between 20000 and 29999'
}

nginx_configuration() { # PORT
    cat <<CONF
daemon off; master_process off; worker_processes 1; pid $scratch/nginx.pid; error_log stderr;
events { worker_connections 4096; }
http {
    access_log off; server_tokens off; default_type text/plain; keepalive_requests 1000000000;
    client_body_temp_path $scratch; proxy_temp_path $scratch; fastcgi_temp_path $scratch;
    uwsgi_temp_path $scratch; scgi_temp_path $scratch;
    server { listen 127.0.0.1:$1; location / { add_header Cache-Control no-store; return 200 "1\n"; } }
}
CONF
}

command_of() { # PEER PORT: sets `command`
    case $1 in
    seqd) command=("$seqd" -d "$(mktemp -d "$scratch/data.XXXXXX")" -p "$2") ;;
    epoll) command=("$programs/epoll_server" "$2" "${headers[@]}") ;;
    mhd) command=("$programs/mhd_server" "$2") ;;
    nginx) nginx_configuration "$2" >"$scratch/nginx.conf" && command=(nginx -e stderr -c "$scratch/nginx.conf") ;;
    go) command=(env GOMAXPROCS=1 "$out/go_server" "$2") ;;
    *) die "unknown peer '$1': there are epoll, seqd, mhd, nginx and go" ;;
    esac
}

start() { # PEER: sets `server` and `port`, and leaves the first answer in $scratch/answer
    local deadline=$((SECONDS + 10)) command
    port=$(free_port)
    command_of "$1" "$port"
    taskset -c "$server_cpu" "${command[@]}" >"$scratch/log" 2>&1 &
    server=$!
    until ask "$port" >"$scratch/answer"; do
        kill -0 "$server" 2>/dev/null || { cat "$scratch/log" >&2 && die "$1 does not start"; }
        [ "$SECONDS" -lt "$deadline" ] || { cat "$scratch/log" >&2 && die "$1 does not answer in 10 s"; }
        sleep 0.02
    done
}

ticks() { # what the server used, then what its core has not been idle
    sed 's/.*) //' "/proc/$server/stat" | awk '{ printf "%d ", $12 + $13 }'
    awk -v cpu="cpu$server_cpu" '$1 == cpu { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

measure() { # PEER: adds the line that http.awk describes to $scratch/runs
    local used busy used_then busy_then report requests micros p50 p99 bad broken
    start "$1"
    read -r used_then busy_then < <(ticks)
    report=$(timeout $((seconds + 20)) taskset -c "$client_cpu" wrk -t1 -c"$connections" -d"${seconds}s" \
        -s "$here/report.lua" "http://127.0.0.1:$port/") || die "wrk failed against $1: $report"
    read -r used busy < <(ticks)
    [[ $report == *'report '[1-9]* ]] || die "wrk got no answer from $1: $report"
    read -r requests micros p50 p99 bad broken < <(sed -n 's/^report //p' <<<"$report")
    [ "$bad $broken" = '0 0' ] ||
        die "$1: $requests requests, $bad bad answers, $broken broken connections: its figures mean nothing"
    awk -v OFS=, -v peer="$1" -v n="$requests" -v micros="$micros" -v tick="$(getconf CLK_TCK)" \
        -v used=$((used - used_then)) -v busy=$((busy - busy_then)) -v p50="$p50" -v p99="$p99" \
        -v bytes="$(wc -c <"$scratch/answer")" 'BEGIN {
            cpu = used * 1e6 / tick
            others = (busy - used) * 1e6 / tick
            print peer, n * 1e6 / micros, cpu / n, cpu / micros, p50, p99, bytes, others / micros
        }' >>"$scratch/runs"
    stop
}

available() { # PEER
    case $1 in
    seqd) [ -x "$seqd" ] || { say "LEFT OUT: seqd, for there is no '$seqd': make" && return 1; } ;;
    nginx) command -v nginx >/dev/null || { say 'LEFT OUT: nginx is not installed: make bench-deps' && return 1; } ;;
    go)
        command -v go >/dev/null || { say 'LEFT OUT: go is not installed: make bench-deps' && return 1; }
        GO111MODULE=off GOTOOLCHAIN=local GOCACHE=$(realpath "$out")/go-cache go build -o "$out/go_server" \
            "$here/go_server.go" || { say 'LEFT OUT: go, for go_server.go does not build' && return 1; }
        ;;
    esac
}

command -v wrk >/dev/null || die 'wrk is not installed: make bench-deps'
for cpu in "$server_cpu" "$client_cpu"; do
    taskset -c "$cpu" true || die "core $cpu cannot be had: one is for the server and another for wrk"
done
mkdir -p "$out"
present=()
for peer in "${peers[@]}"; do
    ! available "$peer" || present+=("$peer")
done

# epoll answers with whatever headers seqd answers with.
if [[ " ${present[*]} " == *' seqd '* ]]; then
    start seqd
    mapfile -t headers < <(sed '1d; /^$/,$d; /^\(Date\|Content-Length\|Connection\):/Id' "$scratch/answer")
    stop
fi

for ((round = 1; round <= rounds; round++)); do
    order=("${present[@]}")
    [ $((round % 2)) = 1 ] || mapfile -t order < <(printf '%s\n' "${present[@]}" | tac)
    for peer in "${order[@]}"; do
        [ ! -t 2 ] || printf '\rround %d of %d: %-8s' "$round" "$rounds" "$peer" >&2
        measure "$peer"
    done
done
[ ! -t 2 ] || printf '\r%30s\r' '' >&2

echo "GET / over $connections keep-alive connections, $rounds rounds of $seconds s, one core each for server and wrk"
awk -F, -v csv="$out/http.csv" -f "$here/http.awk" "$scratch/runs"
