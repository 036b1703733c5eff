#!/bin/bash
# Run the fuzzers: each first over its corpus, then for a while on inputs of its own, as many at a time as there are
# processors. What is found goes to the build, never to the tree.
#
#   FUZZ_SECONDS=n  how long each is given (10); 0: the corpus alone
#   SEED=n          of what is random
#
# usage: check.sh FOLDER-OF-THE-BUILD FUZZER...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: check.sh FOLDER-OF-THE-BUILD FUZZER...}
shift
seconds=${FUZZ_SECONDS:-10}
seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
at_once=$(nproc)
found=$build/found
mkdir -p "$build/logs" "$found"
# What was freed stays in quarantine, some megabytes of it: several run side by side.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=16}

base() { # what every run of FUZZER is given
    local dictionary=$here/${1#fuzz_}.dict
    printf '%s\n' "-timeout=60" "-rss_limit_mb=2048" "-artifact_prefix=$found/$1-"
    [ ! -e "$dictionary" ] || printf '%s\n' "-dict=$dictionary"
}

fuzz() { # FUZZER: its corpus, then on; says what came of it in a line at the end of its log
    local program=$1 name corpus new options began=$SECONDS
    name=$(basename "$program")
    corpus=$here/corpus/${name#fuzz_}
    new=$build/corpus/$name
    rm -rf "$new" && mkdir -p "$new"
    mapfile -t options < <(base "$name")
    "$program" "${options[@]}" "$corpus"/*
    [ "$seconds" -gt 0 ] || return 0
    "$program" "${options[@]}" -max_len=2048 -max_total_time="$seconds" -seed="$seed" -print_final_stats=1 "$new" "$corpus"
    echo "ran $((SECONDS - began)) s"
}

last() { # PATTERN LOG: the last match
    grep -oE "$1" "$2" | tail -n 1 || true
}

tell() { # FUZZER LOG STATUS
    local name inputs runs
    name=$(basename "$1")
    inputs=$(find "$here/corpus/${name#fuzz_}" -type f | wc -l)
    if [ "$3" = 0 ]; then
        runs=$(last 'number_of_executed_units: [0-9]+' "$2")
        echo "ok: $name: corpus of $inputs, ${runs##* } executions, $(last 'cov: [0-9]+' "$2")"
        return
    fi
    echo "FAILED: $name: $(grep -m1 -E 'law broken|Assertion|SUMMARY|runtime error' "$2" || echo "see $2")"
    local input
    input=$(last 'Test unit written to .*' "$2")
    input=${input#Test unit written to }
    [ -n "$input" ] || input=$(last '^Running: .*' "$2" | sed 's/^Running: //')
    echo "  again with: $1 ${input:-$here/corpus/${name#fuzz_}/*}"
}

echo "SEED=$seed"
passed=0
failed=0
programs=()
logs=()
pids=()
finish() { # INDEX
    local status=0
    wait "${pids[$1]}" || status=$?
    tell "${programs[$1]}" "${logs[$1]}" "$status"
    if [ "$status" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

next=0
for program in "$@"; do
    # The oldest is waited for: all take as long.
    [ $((${#pids[@]} - next)) -lt "$at_once" ] || { finish $next; next=$((next + 1)); }
    log=$build/logs/$(basename "$program").log
    echo "running $(basename "$program")"
    fuzz "$program" >"$log" 2>&1 </dev/null &
    programs+=("$program")
    logs+=("$log")
    pids+=($!)
done
while [ $next -lt ${#pids[@]} ]; do
    finish $next
    next=$((next + 1))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
