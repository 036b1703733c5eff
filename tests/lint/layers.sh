#!/bin/sh
# Refuse an #include that climbs a floor, leaves its folder without naming the floor it enters, or sees a library
# that belongs to another floor. docs/floors says what is allowed.
set -eu
find src include -name '*.[ch]' | LC_ALL=C sort | xargs awk '
# src/core/keeper.c and include/core/keeper.h are on floor "core"; what lies in src/ itself is the roof.
function floor_of(path,    part) { return split(path, part, "/") == 2 ? "roof" : part[2] }
function refuse(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }

FILENAME == "docs/floors" {
    sub(/#.*/, "")
    if (!/:/) { next }
    colon = index($0, ":")
    name = substr($0, 1, colon - 1)
    gsub(/[ \t]/, "", name)
    n = split(substr($0, colon + 1), word, " ")
    if (name ~ /^</) { library[name] = 1 } else if (name !~ /\//) { floor[name] = 1 }
    for (i = 1; i <= n; i++) { allowed[name, word[i]] = 1 }
    next
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    match($0, /<[^>]*>/)
    name = substr($0, RSTART, RLENGTH)
    if (name in library && !((name, floor_of(FILENAME)) in allowed)) {
        refuse(name " belongs to another floor (docs/floors): call that floor instead")
    }
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    from = floor_of(FILENAME)
    split($0, quoted, "\"")
    name = quoted[2]
    if (!(from in floor)) { refuse("floor \"" from "\" is not in docs/floors: add it there or move the file"); next }
    if (name ~ /^\.\.?\//) { refuse("\"" name "\" names no floor: include \"floor/header.h\""); next }
    if (name !~ /\//) { next }    # a private header beside the file
    to = substr(name, 1, index(name, "/") - 1)
    if (to == from || (from, to) in allowed || (from, name) in allowed || (FILENAME, to) in allowed) { next }
    refuse(from " may not include \"" name "\" (docs/floors): pass in what it needs from above")
}
END { exit bad }
' docs/floors
