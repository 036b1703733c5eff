#!/bin/bash
# Compare gRPC of seqd with gRPC C-core's bare echo and with a grpc-go counter, in pairs on the same processors,
# and measure what h2load cannot: numbers over one Stream, and the memory of idle connections.
#
#   SEQD=build/seqd BENCH_DIR=build/release/tests/bench tests/bench/grpc.sh
#   ROUNDS=5      pairs of runs of each kind; the median of their ratios counts
#   REQUESTS=60000
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
pids+=($!)
await "$core"
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go go build -o "$work/go_server" tests/bench/grpc/go_server.go
go=$(free_port)
"$work/go_server" "$go" &
pids+=($!)
await "$go"

rate() { # PORT CLIENTS STREAMS: calls a second
    h2load -n "$REQUESTS" -c "$2" -m "$3" -t 1 -d "$work/request" -H 'content-type: application/grpc' \
        -H 'te: trailers' "http://127.0.0.1:$1/seqd.v1.SequenceService/Next" >"$work/h2load"
    grep -q " 0 failed, 0 errored, 0 timeout" "$work/h2load" || { cat "$work/h2load"; exit 1; }
    sed -n 's/.*finished in [^,]*, \([0-9.]*\) req.s.*/\1/p' "$work/h2load"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

compare() { # NAME PORT CLIENTS STREAMS
    local round a b
    : >"$work/ratios" && : >"$work/a" && : >"$work/b"
    for ((round = 0; round < ROUNDS; round++)); do
        a=$(rate "$ours" "$3" "$4")
        b=$(rate "$2" "$3" "$4")
        echo "$a" >>"$work/a"
        echo "$b" >>"$work/b"
        awk "BEGIN { print $a / $b }" >>"$work/ratios"
    done
    printf '%-8s %3d connections x %3d calls: seqd %8.0f/s, %s %8.0f/s, ratio %.2f\n' "$1" "$3" "$4" \
        "$(median <"$work/a")" "$1" "$(median <"$work/b")" "$(median <"$work/ratios")"
}

rate "$ours" 10 10 >/dev/null # warm
for kind in "C-core $core" "grpc-go $go"; do
    # shellcheck disable=SC2086  # two words
    set -- $kind
    compare "$1" "$2" 1 1
    compare "$1" "$2" 1 10
    compare "$1" "$2" 10 10
done
echo "one Stream:"
"$BENCH_DIR/grpc_load" stream "$ours" 1 64 3
"$BENCH_DIR/grpc_load" stream "$ours" 1000 64 3
echo "idle:"
"$BENCH_DIR/grpc_load" idle "$ours" 1000 "$seqd"
