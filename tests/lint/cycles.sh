#!/bin/sh
# Refuse object files that call each other in a circle, directly or round several corners.
#
#   tests/lint/cycles.sh FILE.o...
#
# The objects must hold native code: those built with -flto need -ffat-lto-objects.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One line for each use: caller.o owner.o symbol
nm -A -g "$@" | awk '
{
    colon = index($0, ":")
    object = substr($0, 1, colon - 1)
    n = split(substr($0, colon + 1), field, " ")
    if (field[n - 1] == "U") { uses[object, field[n]] = 1 } else { owner[field[n]] = object }
}
END {
    for (use in uses) {
        split(use, part, SUBSEP)
        if (part[2] in owner && owner[part[2]] != part[1]) { print part[1], owner[part[2]], part[2] }
    }
}' | LC_ALL=C sort >"$scratch/uses"

if cut -d' ' -f1,2 "$scratch/uses" | uniq | LC_ALL=C tsort >/dev/null 2>"$scratch/loop"; then
    exit 0
fi
# tsort names the members of a loop, each on a line of its own.
awk '
FILENAME ~ /loop$/ { if ($2 ~ /\.o$/) { member[$2] = 1 } next }
$1 in member && $2 in member {
    printf "%s: calls %s() of %s, which calls back: move what both need below them\n", $1, $3, $2
}' "$scratch/loop" "$scratch/uses"
exit 1
