#!/bin/sh
# Refuse C files that clang-format would change. The style is written for clang-format 14 to 19; with another, or
# none, say so loudly and pass, for it would find fault where there is none.
set -eu
clang_format=${CLANG_FORMAT:-clang-format}
if ! command -v "$clang_format" >/dev/null 2>&1; then
    echo '*** NOT CHECKED: the format of the C files (clang-format is not here; make lint-deps installs it)'
    exit 0
fi
major=$("$clang_format" --version | sed -n 's/.*version \([0-9][0-9]*\).*/\1/p')
if [ "${major:-0}" -lt 14 ] || [ "$major" -gt 19 ]; then
    echo "*** NOT CHECKED: the format of the C files (clang-format ${major:-of unknown version}, 14 to 19 wanted)"
    exit 0
fi
# shellcheck disable=SC2046  # no path here has a space
if ! "$clang_format" --dry-run -Werror $(find src include tests -name '*.[ch]' | LC_ALL=C sort); then
    echo 'These files are not formatted: run make format'
    exit 1
fi
