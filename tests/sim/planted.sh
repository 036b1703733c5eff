#!/bin/bash
# Plant errors in the core, one at a time, in a copy of the tree; the simulation must find each.
# SEEDS=n how many worlds each is given (20000).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=${1:?usage: planted.sh FOLDER-OF-THE-BUILD}
passed=0
failed=0

mkdir -p "$work/tree/$(dirname "$build")"
cp -a "$top"/{Makefile,src,include,tests,packaging} "$work/tree/"
cp -a "$top/$build" "$work/tree/$build"

plant() { # NAME FILE PERL-SUBSTITUTION
    plant_one "$@"
    cp "$top/$2" "$work/tree/$2" # as new, so that it is built again
}

plant_one() {
    local name=$1 file=$2 how=$3 said
    perl -0pi -e "$how" "$work/tree/$file"
    if cmp -s "$work/tree/$file" "$top/$file"; then
        echo "FAILED: '$name' changes nothing in $file: the code has moved on, plant it anew"
        failed=$((failed + 1))
        return
    fi
    if ! make -s -C "$work/tree" CFLAGS="${CFLAGS--O2 -g} -Wno-error" "$build/tests/sim/check_sim" >"$work/log" 2>&1; then
        echo "FAILED: '$name' does not build"
        tail -5 "$work/log"
        failed=$((failed + 1))
        return
    fi
    if said=$(SEED=1 SEEDS="${SEEDS:-20000}" "$work/tree/$build/tests/sim/check_sim" 2>&1); then
        echo "FAILED: '$name' was not found in ${SEEDS:-20000} worlds"
        failed=$((failed + 1))
    else
        echo "planted: $name: $(grep -m1 -oE '\*\*\* .*|Assertion.*|the caller broke.*' <<<"$said")"
        passed=$((passed + 1))
    fi
}

lease=src/core/sequence_lease.c
plant 'limit published before next' $lease \
    's/(    if \(!in_place\) \{\n        sequence_leave_lease\(sequence, lease.first\);\n    \}\n    grant_below\([^\n]*\n)    sequence_publish_limit\(sequence, lease.limit\);/    sequence_publish_limit(sequence, lease.limit);\n$1/'
plant "the spare's limit published before next" src/core/sequence.c \
    's/(    sequence_leave_lease\(sequence, sequence->spare.first\);\n)(    sequence_publish_limit\(sequence, sequence->spare.limit\);\n)/$2$1/'
plant "a commit's result ignored" src/core/keeper.c \
    's/if \(error == ERR_OK && request->error == ERR_OK\) \{/if (request->error == ERR_OK) {/'
plant 'a failed range not burnt' $lease \
    's/sequence->floor = range_max\(sequence->floor, request->burnt_limit\);\n    pthread_mutex_unlock/pthread_mutex_unlock/'
plant 'a rest given back from the wrong end' $lease \
    's/rest.first = sequence->spare.first;//'
plant 'a close that leaves the way open' src/core/sequence.c \
    's/atomic_exchange_explicit\(&sequence->next, UINT64_MAX, memory_order_relaxed\)/atomic_load_explicit(&sequence->next, memory_order_relaxed)/'
plant 'a blind return' tests/lib/store_memory.c \
    's/record->entry.generation == giving->generation &&\s+record->entry.mark == giving->lease_limit;/true;/'
plant 'a dropped sequence that is not retired' src/core/change.c 's/sequence_retire\(/(void)(/'
plant 'a taker that does not look at the limit' src/core/sequence_state.h \
    's/next < limit && count <= limit - next/next < limit/'
plant 'a racy counter' src/core/sequence_state.h \
    's/if \(atomic_compare_exchange_weak_explicit\(&sequence->next, &next, next \+ count,\s+memory_order_relaxed, memory_order_relaxed\)\) \{/atomic_store_explicit(&sequence->next, next + count, memory_order_relaxed);\n        {/'
timed=src/core/sequence_timed.c
plant 'a timestamp that follows the clock back' $timed \
    's/if \(tick > tick_of\(sequence, next\)\) \{\n        return/if (tick != tick_of(sequence, next)) {\n        return/'
plant 'a timestamp taken beyond the limit' $timed \
    's/if \(!fits_below\(position, count, limit\) \|\| tick_of/if (tick_of/'
plant 'a waiter granted behind those who took' $timed \
    's/while \(!claim\(sequence, &next, position, waiter->count\)\);/while (false);/'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
