#!/bin/bash
# Run test programs again and again while their threads sleep at random: tests/jitter/jitter.c says how. What fails here
# and not otherwise is a test, or a line of seqd, that holds on a quiet machine only.
#
#   ROUNDS=3 tests/jitter/check.sh BUILD-FOLDER PROGRAM...
set -u
build=$1
shift
rounds=${ROUNDS:-3}
# They sleep most of the time, so more of them run at once than there are processors, and each takes longer.
export JOBS=${JOBS:-$((4 * $(nproc)))} TEST_LIMIT_SECONDS=600 SCHEDULES=${SCHEDULES:-500}
for round in $(seq "$rounds"); do
    export JITTER_SEED=$RANDOM$RANDOM
    echo "round $round of $rounds, JITTER_SEED=$JITTER_SEED"
    LD_PRELOAD=$(realpath "$build/tests/jitter/jitter.so") tests/run "$build/logs/jitter" "$@" >"$build/logs/jitter.log" 2>&1
    status=$?
    tail -n 1 "$build/logs/jitter.log"
    if [ $status != 0 ]; then
        grep -a -E '^FAILED|\[  (ERROR|FAILED| LINE )' "$build/logs/jitter.log"
        exit 1
    fi
done
