#!/bin/sh
# Refuse a file over 500 lines, a function over 70 and a line over 100 columns.
set -eu
# Bytes that go on with a UTF-8 character are no columns. A function is what stands between braces in column 1.
find src include tests -name '*.[ch]' | LC_ALL=C sort | LC_ALL=C xargs awk '
function refuse(line, what) { printf "%s:%d: %s\n", file, line, what; bad = 1 }
function end_of_file() {
    if (lines > 500) { refuse(lines, lines " lines, 500 at most: make two modules of it") }
}
FNR == 1 { end_of_file(); file = FILENAME; start = 0 }
{ lines = FNR; columns = $0; gsub(/[\200-\277]/, "", columns) }
length(columns) > 100 { refuse(FNR, length(columns) " columns, 100 at most: break the line") }
/^\{/ { start = FNR }
/^}/ && start {
    if (FNR - start + 1 > 70) {
        refuse(start, "a function of " FNR - start + 1 " lines, 70 at most: move straight work into helpers")
    }
    start = 0
}
END { end_of_file(); exit bad }
'
