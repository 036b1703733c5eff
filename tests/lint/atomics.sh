#!/bin/sh
# Refuse an atomic operation without an explicit order, and an order without an "order:" comment that ends at most
# four lines above it and, for anything but relaxed, says what it pairs with.
set -eu
lint=$(dirname "$0")
# shellcheck disable=SC2046  # no path here has a space
awk -f "$lint/code.awk" -f "$lint/atomics.awk" $(find src include tests -name '*.[ch]' | LC_ALL=C sort)
