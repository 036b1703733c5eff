#!/bin/bash
# Compare gRPC of seqd with gRPC C-core's bare echo and with a grpc-go counter, in pairs on the same processors,
# and measure what h2load cannot: numbers over one Stream, and the memory of idle connections.
#
#   SEQD=build/seqd BENCH_DIR=build/release/tests/bench tests/bench/grpc.sh
#   ROUNDS=5      pairs of runs of each kind; the median of their ratios counts
#   REQUESTS=60000
#
# Beside the calls a second stands the processor time that a call took the server and h2load, in microseconds: where
# h2load's thread is busy all the time (time a call = 1 / calls a second), it is the client that sets the limit, and the
# server's time tells more.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROUNDS=${ROUNDS:-5}
REQUESTS=${REQUESTS:-60000}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

printf '\0\0\0\0\0' >"$work/request"
mkdir -m 0700 "$work/data"
printf '[http]\nlisten = 127.0.0.1:0\n[grpc]\nlisten = 127.0.0.1:0\n[sequence:default]\nmax_gap = 100000000\n' >"$work/conf"
"$SEQD" -c "$work/conf" -d "$work/data" >"$work/said" 2>"$work/log" &
seqd=$!
pids+=("$seqd")
until ours=$(sed -n 's/.*grpc:\/\/127.0.0.1://p' "$work/said" 2>/dev/null) && [ -n "$ours" ]; do
    kill -0 "$seqd"
    tail -n 0 --pid="$seqd" -s 0.02 -F "$work/said" 2>/dev/null | read -r -t 0.05 || true
done

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
await() { # PORT: until somebody listens there
    until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do kill -0 "${pids[-1]}" || exit 1; done
}

cc -O2 -o "$work/core" tests/bench/grpc/core_echo.c -lgrpc -lgpr -pthread
core=$(free_port)
"$work/core" "$core" "$(nproc)" 2>/dev/null &
core_pid=$!
pids+=("$core_pid")
await "$core"
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go go build -o "$work/go_server" tests/bench/grpc/go_server.go
go=$(free_port)
"$work/go_server" "$go" &
go_pid=$!
pids+=("$go_pid")
await "$go"

busy_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns }'; }

run() { # PID PORT CLIENTS STREAMS: calls a second, server's and client's microseconds of processor time a call
    local before after
    TIMEFORMAT='%U %S'
    before=$(busy_ns "$1")
    { time h2load -n "$REQUESTS" -c "$3" -m "$4" -t 1 -d "$work/request" -H 'content-type: application/grpc' \
        -H 'te: trailers' "http://127.0.0.1:$2/seqd.v1.SequenceService/Next" >"$work/h2load" 2>&1; } 2>"$work/time"
    after=$(busy_ns "$1")
    grep -q " 0 failed, 0 errored, 0 timeout" "$work/h2load" || { cat "$work/h2load"; exit 1; }
    sed -n 's/.*finished in [^,]*, \([0-9.]*\) req.s.*/\1/p' "$work/h2load" | awk -v before="$before" -v after="$after" \
        -v client="$(cat "$work/time")" -v calls="$REQUESTS" '{ split(client, s, " ")
        printf "%s %.2f %.2f\n", $1, (after - before) / calls / 1000, (s[1] + s[2]) / calls * 1000000 }'
}
median() { # COLUMN
    awk -v column="$1" '{ print $column }' | sort -n |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
show() { # NAME FILE
    printf '%s %.0f/s (%.2f us, client %.2f us)' "$1" "$(median 1 <"$2")" "$(median 2 <"$2")" "$(median 3 <"$2")"
}

compare() { # NAME PID PORT CLIENTS STREAMS
    local round
    : >"$work/a" && : >"$work/b"
    for ((round = 0; round < ROUNDS; round++)); do
        run "$seqd" "$ours" "$4" "$5" >>"$work/a"
        run "$2" "$3" "$4" "$5" >>"$work/b"
    done
    paste -d ' ' "$work/a" "$work/b" | awk '{ print $1 / $4, $5 / $2 }' >"$work/ratios"
    printf '%2d connections x %2d calls: %s, %s, ratio %.2f, of processor time %.2f\n' "$4" "$5" \
        "$(show seqd "$work/a")" "$(show "$1" "$work/b")" "$(median 1 <"$work/ratios")" "$(median 2 <"$work/ratios")"
}

run "$seqd" "$ours" 10 10 >/dev/null # warm
for kind in "C-core $core_pid $core" "grpc-go $go_pid $go"; do
    # shellcheck disable=SC2086  # three words
    set -- $kind
    compare "$@" 1 1
    compare "$@" 1 10
    compare "$@" 10 10
done
echo "one Stream:"
"$BENCH_DIR/grpc_load" stream "$ours" 1 64 3
"$BENCH_DIR/grpc_load" stream "$ours" 1000 64 3
echo "idle:"
"$BENCH_DIR/grpc_load" idle "$ours" 1000 "$seqd"
