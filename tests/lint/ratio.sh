#!/bin/sh
# Print lines of test code over lines of product code, and refuse less than 0.8. Blank lines and lines that are
# comment alone do not count; benchmarks and lints are no tests.
set -eu
lint=$(dirname "$0")

count() { # FILE...: lines of code
    awk -f "$lint/code.awk" -f /dev/fd/3 "$@" 3<<'AWK'
FILENAME ~ /\.[ch]$/ { if (code($0) ~ /[^ \t]/) { n++ } next }
/^[ \t]*[^ \t#]/ { n++ }
END { print n + 0 }
AWK
}

# shellcheck disable=SC2046  # no path here has a space
product=$(count /dev/null $(find src include -name '*.[ch]'))
# shellcheck disable=SC2046
tests=$(count /dev/null $(find tests \( -path tests/lint -o -path tests/bench \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' \) -print))

awk -v tests="$tests" -v product="$product" 'BEGIN {
    ratio = product ? tests / product : 0
    printf "test code %d lines, product code %d lines: ratio %.2f\n", tests, product, ratio
    if (ratio < 0.8) { print "tests:1: the ratio is below 0.80: write the tests that are missing"; exit 1 }
}'
