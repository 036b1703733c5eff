#!/bin/sh
# Refuse a header that does not compile alone, so that no file depends on the order of its includes.
#
#   tests/lint/headers.sh COMPILER FLAG...
set -eu
bad=0
for header in $(find include src tests/lib -name '*.h' | LC_ALL=C sort); do
    # Included, not compiled itself: clang would call its inline functions unused.
    if ! "$@" -Werror -fsyntax-only -include "$header" -x c /dev/null; then
        echo "$header:1: does not compile alone: include what it uses"
        bad=1
    fi
done
exit "$bad"
