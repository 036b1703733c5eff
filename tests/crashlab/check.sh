#!/bin/bash
# The states that a power cut can leave on a disk, by thousands; and the planted faults that must be found
# in them. STATES=n how many in all (2000); SEED=n. Needs root: it makes loop devices and mounts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${1:?usage: check.sh FOLDER-OF-TOOLS}
states=$((${STATES:-2000} / 4))
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
passed=0
failed=0

if [ "$(id -u)" != 0 ]; then
    exec sudo -n env STATES="${STATES:-2000}" SEED="$seed" "$here/check.sh" "$tools"
fi
# Another process that gets a mount namespace of its own keeps a copy of every mount that it sees: a file system would
# outlive its unmounting here, and the next state be read through what is remembered of the one before. So nobody sees ours.
if [ -z "${LAB_APART:-}" ]; then
    exec unshare --mount --propagation private env LAB_APART=1 SEED="$seed" "$here/check.sh" "$tools"
fi

explore() { python3 "$here/explore.py" --tools "$tools" --seed "$seed" "$@" 2>&1; }

holds() { # ARGUMENTS...
    if explore --states "$states" "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: explore.py --seed $seed $*"
        failed=$((failed + 1))
    fi
}

found() { # NAME ARGUMENTS...
    local name=$1 said
    shift
    if said=$(explore --states 300 --stop-at-first "$@"); then
        echo "FAILED: $name was not found: explore.py --seed $seed $*"
        failed=$((failed + 1))
    elif grep -q '^  wrong: ' <<<"$said"; then
        echo "planted: $name: found after $(sed -n 's/.*: \([0-9]*\) states, .*/\1/p' <<<"$said") states"
        passed=$((passed + 1))
    else
        echo "FAILED: $name: $said"
        failed=$((failed + 1))
    fi
}

holds --fs ext4
holds --fs ext4 --faults 5
holds --fs xfs
holds --fs xfs --faults 5
found 'no sync' --plant nosync
found 'no sync of the meta page' --plant nometasync
found 'an answer before its commit' --plant early
found "a commit's failure ignored" --plant ignore --faults 5
found 'a disk without barriers' --mount nobarrier
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
