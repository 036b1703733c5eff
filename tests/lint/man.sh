#!/bin/sh
# Refuse a man page that mandoc warns of, or that leaves out an option of seqd.
#
#   tests/lint/man.sh PAGE...     the pages as they were built
set -eu
if [ $# = 0 ] || ! command -v mandoc >/dev/null 2>&1; then
    echo '*** NOT CHECKED: the man pages (no scdoc, or no mandoc)'
    exit 0
fi
bad=0
refuse() {
    echo "$1"
    bad=1
}
for page in "$@"; do
    # Empty paragraphs come from scdoc and show nowhere.
    found=$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'skipping paragraph macro') || true
    [ -z "$found" ] || refuse "$found"
done

# Every option of the table stands in seqd.conf(5), every long option of the command line in seqd(8).
missing() { # PAGE WORD...
    page=$1
    shift
    for word in "$@"; do
        tr -d '\\' <"$page" | grep -qF -- "$word" || refuse "$page:1: says nothing of $word: add it to the page's source"
    done
}
for page in "$@"; do
    # shellcheck disable=SC2046  # no option has a blank
    case $page in
    *seqd.conf.5) missing "$page" $(sed -n 's/^ *OPTION("[a-z]*", "\([a-z_]*\)".*/\1/p' $(find src -name 'config*.c')) ;;
    *seqd.8) missing "$page" $(sed -n '/long_options\[\] = {/,/^};/p' src/options.c | grep -o '{"[a-z-]*"' | tr -d '{"' |
        sed 's/^/--/') ;;
    esac
done
exit $bad
