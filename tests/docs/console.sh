#!/usr/bin/env bash
# The commands that README and docs show are run, and have to print what the page says.
#
#   tests/docs/console.sh FILE.md …      with the server's binary in $SEQD, and seqctl's in $SEQCTL
#
# In a ```console block a line that begins with "$ " is a command, and the lines up to the next one are what it prints. A
# fresh server listens for each file, and http://127.0.0.1:8080 stands for it; seqctl asks it over its socket. "…" in an expected line stands for any text.
set -euo pipefail

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

PATH=$(dirname "$SEQCTL"):$PATH
export SEQD_URL=unix:$work/seqd.sock

start_server() {
    rm -rf "$work/data" && mkdir -m 0700 "$work/data"
    printf '[http]\nsocket = %s\n' "$work/seqd.sock" >"$work/conf"
    : >"$work/out" # or the address of the server before might be read, until the shell's child has emptied it
    "$SEQD" -c "$work/conf" -d "$work/data" -p 0 >"$work/out" 2>"$work/err" &
    server=$!
    for _ in $(seq 200); do
        address=$(sed -n 's|.*listens on \(http://[^ ]*\).*|\1|p' "$work/out")
        [ -n "$address" ] && return 0
        kill -0 "$server" 2>/dev/null || break
        read -rt 0.05 <> <(:) || true
    done
    echo "the server did not come up:" && cat "$work/err"
    exit 1
}

stop_server() {
    kill "$server" && wait "$server" || true
    server=
}

# Does the text $1 match the pattern $2, in which only "…" is special?
matches() {
    local pattern=$2 regex
    regex=$(printf '%s' "$pattern" | sed -e 's/[][\.*^$()+?{}|/]/\\&/g' -e 's/…/.*/g')
    [[ $1 =~ ^$regex$ ]]
}

passed=0
failed=0
run_command() { # FILE LINE COMMAND EXPECTED
    local command=${3//http:\/\/127.0.0.1:8080/$address} printed
    command=${command//curl /curl -sS --max-time 10 }
    printed=$(cd "$(dirname "$0")/../.." && bash -c "$command" 2>&1) || true
    if matches "$printed" "$4"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s:%s: $ %s\n  the page says:\n%s\n  it prints:\n%s\n' "$1" "$2" "$3" "$4" "$printed"
    fi
}

run_file() {
    local inside='' number=0 command='' at=0 expected='' line
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        if [ -z "$inside" ]; then
            [ "$line" = '```console' ] && inside=yes
            continue
        fi
        if [ "$line" = '```' ] || [ "${line:0:2}" = '$ ' ]; then
            [ -z "$command" ] || run_command "$1" "$at" "$command" "$expected"
            command='' expected=''
            [ "$line" = '```' ] && inside='' && continue
            command=${line:2} at=$number
        else
            expected=$expected${expected:+$'\n'}$line
        fi
    done <"$1"
}

for file in "$@"; do
    start_server
    run_file "$file"
    stop_server
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
