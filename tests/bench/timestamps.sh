#!/bin/bash
# Timestamps over HTTP: numbers a second in blocks of a whole tick, which the default layout limits to 4,096,000; and
# requests a second for one number, against a counter, in turn. Prints medians, those of ratios over pairs; what counts is
# the processor time of a request, which does not depend on what else the machine does.
#
#   SEQD=build/seqd tests/bench/timestamps.sh        ROUNDS=5 SECONDS_PER_RUN=3 CONNECTIONS=48
set -euo pipefail
seqd=${SEQD:-build/seqd}
rounds=${ROUNDS:-5}
seconds=${SECONDS_PER_RUN:-3}
connections=${CONNECTIONS:-48}

scratch=$(mktemp -d)
server=
stop() { # only ever the server that we started
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM

mkdir -m 0700 "$scratch/data"
printf '[http]\nmax_count = 4096\n[sequence:stamps]\nkind = timestamp\n[sequence:counter]\n' >"$scratch/seqd.conf"
"$seqd" -p 0 -d "$scratch/data" -c "$scratch/seqd.conf" >"$scratch/out" 2>&1 &
server=$!
until grep -q 'listens on' "$scratch/out"; do
    kill -0 "$server" || { cat "$scratch/out" >&2; exit 1; }
    sleep 0.1 # there is nothing else to wait on
done
address=$(grep -o '127\.0\.0\.1:[0-9]*' "$scratch/out" | head -1)

used() { awk '{ print $14 + $15 }' "/proc/$server/stat"; } # processor time so far, in ticks; its name has no blank

# Requests a second for $1, and the server's processor time for each; the first second's worth of numbers may be
# borrowed, so it is let pass.
measure() {
    local target="http://$address/v1/sequences/$1" before
    wrk -t1 -c"$connections" -d1s -H 'Accept: application/json' "$target" >/dev/null
    before=$(used)
    wrk -t1 -c"$connections" -d"${seconds}s" -H 'Accept: application/json' "$target" >"$scratch/wrk"
    ! grep -q 'Non-2xx' "$scratch/wrk" || { cat "$scratch/wrk" >&2; exit 1; }
    awk -v ticks="$(($(used) - before))" '/requests in/ { count = $1 } /Requests\/sec/ { print $2, ticks / count }' \
        "$scratch/wrk"
}
median() { sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

for ((i = 0; i < rounds; i++)); do
    measure 'stamps/next?count=4096' >>"$scratch/blocks"
    counter=$(measure counter/next)
    stamps=$(measure stamps/next)
    echo "$counter $stamps" | awk '{ print $3 / $1 }' >>"$scratch/ratio"
    echo "$counter $stamps" | awk '{ print $2 / $4 }' >>"$scratch/time"
done
awk -v blocks="$(median <"$scratch/blocks")" 'BEGIN {
    printf "numbers a second in blocks of 4096: %.0f (wanted: 4000000): %s\n", blocks * 4096,
        (blocks * 4096 >= 4000000 ? "reached" : "missed") }'
awk -v ratio="$(median <"$scratch/ratio")" -v time="$(median <"$scratch/time")" 'BEGIN {
    printf "requests a second for one number, against a counter: %.2f\n", ratio
    printf "... by the processor time that each takes: %.2f (wanted: 0.95): %s\n", time,
        (time >= 0.95 ? "reached" : "missed") }'
