#!/bin/sh
# Refuse functions that have a better one, and branches and loops without braces. A line that must break the rule
# says so: /* lint: allowed, because ... */
set -eu
lint=$(dirname "$0")
# shellcheck disable=SC2046  # no path here has a space
awk -f "$lint/code.awk" -f "$lint/discouraged.awk" $(find src include tests -name '*.[ch]' | LC_ALL=C sort)
