#!/bin/bash
# Cut the power of a machine that runs seqd (CUTS=10 times), and of two whose disk or store is careless:
# those must be found. SEED=n brings the moments back.
#
#   cuts.sh FOLDER SEQD LYING_DISK
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: cuts.sh FOLDER SEQD LYING_DISK}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
passed=0
failed=0

"$here/guest.sh" "$folder" "$2" "$3"

cut() { python3 "$here/power.py" --guest "$folder" --seed "$seed" "$@" 2>&1; }

found() { # NAME ARGUMENTS...
    local name=$1 said
    shift
    if said=$(cut --cuts 8 --stop-at-first "$@"); then
        echo "FAILED: $name was not found"
        echo "$said"
        failed=$((failed + 1))
    elif grep -q '^  wrong: ' <<<"$said"; then
        echo "planted: $name: found: $(sed -n 's/^cuts: .*: \([0-9]* power cuts.*\); up.*/\1/p' <<<"$said")"
        passed=$((passed + 1))
    else
        echo "FAILED: $name: $said"
        failed=$((failed + 1))
    fi
}

if cut --cuts "${CUTS:-10}"; then
    passed=$((passed + 1))
else
    echo "FAILED: power.py --seed $seed --cuts ${CUTS:-10}"
    failed=$((failed + 1))
fi
# Nor does the file system by itself, every 5 s: then the next start finds one file gone back behind another, and refuses.
found 'a store that does not sync' --plant nosync --mount commit=600
found 'a file system without barriers' --mount nobarrier
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
