#!/bin/sh
# Refuse an option that is in the table of src/config*.c and not in conf/seqd.conf and docs/CONFIGURATION.md, or
# the other way round. How each of the three names an option:
#
#   src/config*.c           between the lines  /* options:begin */  and  /* options:end */  an entry begins with
#                               OPTION("http", "max_count",
#                           on one line; the section of [sequence:NAME] is written "sequence".
#   conf/seqd.conf          under its [section], as  key = value  or, commented out, as  #key = value  with no blank
#                           after the #. Comments in words start with "# ". A whole section may be commented out:
#                           #[sequence:orders]
#   docs/CONFIGURATION.md   under a heading that holds the section in brackets, e.g.  ## `[http]`  or
#                           ## `[sequence:NAME]` , a table row that begins  | `key` |
set -eu
bad=0
for wanted in conf/seqd.conf docs/CONFIGURATION.md; do
    if [ ! -e "$wanted" ]; then
        echo "$wanted:1: is missing: it must name every option"
        bad=1
    fi
done
[ "$bad" = 0 ] || exit 1

# shellcheck disable=SC2046  # no path here has a space
if found=$(awk '
function refuse(where, what) { print where ": " what; bad = 1 }
function note(place, option) {
    if (!((place, option) in line)) { line[place, option] = FILENAME ":" FNR; named[option] = 1 }
}
function section_in(text) {    # [sequence:orders] -> sequence
    match(text, /\[[^]:]*/)
    return substr(text, RSTART + 1, RLENGTH - 1)
}

FNR == 1 { in_table = 0; section = "" }

FILENAME ~ /\.c$/ && /options:begin/ { in_table = 1; tables++ }
FILENAME ~ /\.c$/ && /options:end/ { in_table = 0 }
FILENAME ~ /\.c$/ && in_table && /OPTION\(/ {
    if (split($0, quoted, "\"") < 4) { refuse(FILENAME ":" FNR, "write OPTION(\"section\", \"key\", on one line"); next }
    note("table", "[" quoted[2] "] " quoted[4])
}

FILENAME ~ /\.conf$/ && /^#?\[[a-z]+(:[^]]*)?\]/ { section = section_in($0) }
FILENAME ~ /\.conf$/ && /^#?[a-z][a-z0-9_]*[ \t]*=/ {
    key = $0
    sub(/^#/, "", key)
    sub(/[ \t]*=.*/, "", key)
    note("sample", "[" section "] " key)
}

FILENAME ~ /\.md$/ && /^#+ .*\[[a-z]+(:[^]]*)?\]/ { section = section_in($0) }
FILENAME ~ /\.md$/ && /^#+ / && !/\[[a-z]+(:[^]]*)?\]/ { section = "" }
FILENAME ~ /\.md$/ && section != "" && /^\| *`[a-z][a-z0-9_]*` *\|/ {
    split($0, quoted, "`")
    note("docs", "[" section "] " quoted[2])
}

END {
    if (!tables) { refuse("src/config.c:1", "has no table between options:begin and options:end") }
    for (option in named) {
        in_code = ("table" SUBSEP option) in line
        in_sample = ("sample" SUBSEP option) in line
        in_docs = ("docs" SUBSEP option) in line
        if (in_code && !in_sample) { refuse(line["table", option], option " is not in conf/seqd.conf: add it there") }
        if (in_code && !in_docs) { refuse(line["table", option], option " is not in docs/CONFIGURATION.md: add it there") }
        if (in_sample && !in_code) { refuse(line["sample", option], option " is no option of src/config*.c: remove it") }
        if (in_docs && !in_code) { refuse(line["docs", option], option " is no option of src/config*.c: remove it") }
    }
    exit bad
}' $(find src -name 'config*.c' | LC_ALL=C sort) conf/seqd.conf docs/CONFIGURATION.md); then
    exit 0
fi
echo "$found" | LC_ALL=C sort
exit 1
