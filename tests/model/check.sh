#!/bin/bash
# Search the whole state space of tests/model/lease.pml: no error in the model as it stands, and every
# planted error found. FULL=1 takes the wider bounds (about 12 GB of memory and several minutes).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/lease.pml" "$work/"
cd "$work"

passed=0
failed=0

search() { # MEGABYTES DEFINITIONS...: print spin's summary; a search that was cut short is no search
    local megabytes=$1
    shift
    spin -a "$@" lease.pml >spin.log 2>&1 || { cat spin.log >&2; return 1; }
    ${CC:-gcc} -O2 -DSAFETY -DCOLLAPSE -DMEMLIM="$megabytes" -o pan pan.c
    ./pan -m200000 -w24 >pan.log 2>&1 || true
    if grep -qE 'max search depth too small|reached -DMEMLIM|out of memory|Search not completed' pan.log &&
        ! grep -q 'errors: [1-9]' pan.log; then
        echo "the search was not completed:" >&2
        cat pan.log >&2
        return 1
    fi
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored$/\1/p' pan.log; }

holds() { # NAME DEFINITIONS...
    local name=$1
    shift
    search 14000 "$@"
    if grep -q 'errors: 0$' pan.log; then
        echo "ok: $name: no error in $(states) states ($*)"
        passed=$((passed + 1))
    else
        echo "FAILED: $name ($*)"
        cat pan.log
        failed=$((failed + 1))
    fi
}

found() { # NAME DEFINITIONS...
    local name=$1
    shift
    search 14000 "$@"
    if grep -q 'errors: [1-9]' pan.log; then
        echo "planted: $name: $(sed -n 's/^pan:1: assertion violated *\(.*\) (at depth.*/\1/p' pan.log) does not hold, found"
        passed=$((passed + 1))
    else
        echo "FAILED: $name was not found ($*)"
        failed=$((failed + 1))
    fi
}

found 'a lease published before its commit' -DPOSITIONS=4 -DBUG=1
found 'a commit without a sync' -DPOSITIONS=4 -DBUG=2
found 'limit published before next' -DPOSITIONS=4 -DHOLES=1 -DBUG=3
found 'a rest given back blindly' -DPOSITIONS=4 -DHOLES=1 -DBUG=4
found "a commit's result ignored" -DPOSITIONS=4 -DBUG=5
found 'a rest given back while takers take' -DPOSITIONS=4 -DBUG=6
found "an earlier life's lease served on" -DPOSITIONS=4 -DBUG=7
if [ "${FULL:-0}" = 1 ]; then
    holds 'one owner' -DPOSITIONS=4
    holds 'one owner, two crashes' -DPOSITIONS=3 -DCRASHES=2
    holds 'a shared store' -DPOSITIONS=4 -DHOLES=1
    holds 'a shared store, two crashes' -DPOSITIONS=3 -DHOLES=1 -DCRASHES=2
else
    holds 'one owner' -DPOSITIONS=3
    holds 'a shared store' -DPOSITIONS=3 -DHOLES=1
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
