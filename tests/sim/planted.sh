#!/bin/bash
# Plant errors in the core, one at a time, in a copy of the tree; the simulation must find each.
# SEEDS=n how many worlds each is given (20000).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/plant.sh"
build=${1:?usage: planted.sh FOLDER-OF-THE-BUILD}
plant_begin "$top" "$build"

found() { # NAME FILE PERL-SUBSTITUTION
    plant "$build/tests/sim/check_sim" '\*\*\* .*|Assertion.*|the caller broke.*' "$@" SEED=1 SEEDS="${SEEDS:-20000}"
}

lease=src/core/sequence_lease.c
found 'limit published before next' $lease \
    's/(    if \(!in_place\) \{\n        sequence_leave_lease\(sequence, lease.first\);\n    \} else if[^}]*\}\n    grant_below\([^\n]*\n)    sequence_publish_limit\(sequence, lease.limit\);/    sequence_publish_limit(sequence, lease.limit);\n$1/'
found "the spare's limit published before next" src/core/sequence.c \
    's/(    sequence_leave_lease\(sequence, sequence->spare.first\);\n)(    sequence_publish_limit\(sequence, sequence->spare.limit\);\n)/$2$1/'
found "a commit's result ignored" src/core/keeper.c \
    's/if \(error == ERR_OK && request->error == ERR_OK\) \{/if (request->error == ERR_OK) {/'
found 'a failed range not burnt' $lease \
    's/sequence->floor = range_max\(sequence->floor, request->burnt_limit\);\n    pthread_mutex_unlock/pthread_mutex_unlock/'
found 'a rest given back from the wrong end' $lease \
    's/rest.first = sequence->spare.first;//'
found 'a close that leaves the way open' src/core/sequence.c \
    's/atomic_exchange_explicit\(&sequence->next, UINT64_MAX, memory_order_relaxed\)/atomic_load_explicit(&sequence->next, memory_order_relaxed)/'
found 'a blind return' tests/lib/store_memory.c \
    's/record->entry.generation == giving->generation &&\s+record->entry.mark == giving->lease_limit;/true;/'
found 'a dropped sequence that is not retired' src/core/change.c 's/sequence_retire\(/(void)(/'
found 'a taker that does not look at the limit' src/core/sequence_state.h \
    's/next < limit && count <= limit - next/next < limit/'
found 'a racy counter' src/core/sequence_state.h \
    's/if \(atomic_compare_exchange_weak_explicit\(&sequence->next, &next, next \+ count,\s+memory_order_relaxed, memory_order_relaxed\)\) \{/atomic_store_explicit(&sequence->next, next + count, memory_order_relaxed);\n        {/'
timed=src/core/sequence_timed.c
found 'a timestamp that follows the clock back' $timed \
    's/if \(tick > tick_of\(sequence, next\)\) \{\n        return/if (tick != tick_of(sequence, next)) {\n        return/'
found 'a timestamp taken beyond the limit' $timed \
    's/if \(!fits_below\(position, count, limit\) \|\| tick_of/if (tick_of/'
found 'a waiter granted behind those who took' $timed \
    's/while \(!claim\(sequence, &next, position, waiter->count\)\);/while (false);/'
found 'a lease that issues time that is over' $lease \
    's/from > limit/false/'
found 'a spare that issues time that is over' $lease \
    's/uint64_t first = range_max\(lease.first, range_min\(from, lease.limit\)\);/uint64_t first = range_max(lease.first, range_min(0, from));/'
found 'a lease without its row' tests/lib/store_memory.c \
    's/            memory_ledger_note\(disk, &record->entry, LEDGER_LEASE/            if (lease.first % 64 != 0) memory_ledger_note(disk, &record->entry, LEDGER_LEASE/'
plant_end
