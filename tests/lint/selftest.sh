#!/bin/sh
# A lint that never refuses is worth nothing: give each one a sample of what it must refuse and one of what it must
# accept. Run by `make lint`.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
checks=0

fresh() { # a house with nothing in it
    cd "$scratch"
    rm -rf house
    mkdir -p house/src/core house/src/store house/include/core house/include/store house/tests house/docs house/conf
    cd house
}
file() { # PATH: standard input becomes that file
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}
lines() { # COUNT TEXT
    awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'
}
refused() { # MESSAGE LINT ARGUMENT...: it must fail and say so
    message=$1
    name=$2
    shift 2
    checks=$((checks + 1))
    if "$lint/$name" "$@" >"$scratch/said" 2>&1; then
        echo "tests/lint/selftest.sh: $name accepted what it must refuse with: $message"
        failures=$((failures + 1))
    elif ! grep -qF -- "$message" "$scratch/said"; then
        echo "tests/lint/selftest.sh: $name should have said: $message; it said:"
        sed 's/^/    /' "$scratch/said"
        failures=$((failures + 1))
    fi
}
accepted() { # LINT ARGUMENT...: it must pass
    name=$1
    shift
    checks=$((checks + 1))
    if ! "$lint/$name" "$@" >"$scratch/said" 2>&1; then
        echo "tests/lint/selftest.sh: $name refused what it must accept:"
        sed 's/^/    /' "$scratch/said"
        failures=$((failures + 1))
    fi
}

# --- layers
fresh
file docs/floors <<'END'
base  :
store : base
core  : base store/store.h
roof  : base core
src/main.c : store
<lmdb.h> : store
END
file src/core/keeper.c <<'END'
#include "core/keeper.h"
#include "keeper_private.h"
#include "store/store.h"
#include <stdlib.h>
END
file src/store/lmdb.c <<'END'
#include <lmdb.h>
END
file src/main.c <<'END'
#include "store/store_lmdb.h"
END
accepted layers.sh
echo '#include "store/store_lmdb.h"' >>src/core/keeper.c
refused 'src/core/keeper.c:5: core may not include "store/store_lmdb.h"' layers.sh
echo '#include "core/keeper.h"' >src/store/other.c
refused 'src/store/other.c:1: store may not include "core/keeper.h"' layers.sh
echo '#include "store/store_lmdb.h"' >src/config.c
refused 'src/config.c:1: roof may not include "store/store_lmdb.h"' layers.sh
echo '  #  include <lmdb.h>' >src/core/disk.c
refused 'src/core/disk.c:1: <lmdb.h> belongs to another floor' layers.sh
echo '#include "../store/secret.h"' >src/core/climb.c
refused 'src/core/climb.c:1: "../store/secret.h" names no floor' layers.sh
mkdir src/attic
echo '#include "base/text.h"' >src/attic/a.c
refused 'src/attic/a.c:1: floor "attic" is not in docs/floors' layers.sh

# --- cycles
fresh
echo 'int low(void); int low(void) { return 1; }' >low.c
echo 'int low(void); int high(void); int high(void) { return low(); }' >high.c
compile() { "${CC:-gcc}" -c "$@"; }
compile low.c high.c
accepted cycles.sh low.o high.o
echo 'int high(void); int middle(void); int middle(void) { return high(); }' >middle.c
echo 'int middle(void); int low(void); int low(void) { return middle(); }' >low.c
compile low.c middle.c
refused 'low.o: calls middle() of middle.o, which calls back' cycles.sh low.o high.o middle.o

# --- atomics
fresh
file src/core/good.c <<'END'
    /* order: acquire pairs with the release in publish(): seeing the limit means
     * seeing what was stored before it. */
    limit = atomic_load_explicit(&sequence->limit, memory_order_acquire);
    /* order: relaxed. Nothing rides on it. */
    atomic_fetch_add_explicit(&total,
                              1, memory_order_relaxed);
    /* atomic_load() is only spoken of here. */
END
accepted atomics.sh
echo 'x = atomic_load(&limit);' >src/core/bad.c
refused 'src/core/bad.c:1: an atomic without an order' atomics.sh
echo 'x = atomic_load_explicit(&limit, memory_order_relaxed);' >src/core/bad.c
refused 'src/core/bad.c:1: an order without a reason' atomics.sh
{ echo '/* order: relaxed. */'; lines 4 ''; echo 'f(memory_order_relaxed);'; } >src/core/bad.c
refused 'src/core/bad.c:6: an order without a reason' atomics.sh
printf '/* order: release. */\nf(memory_order_release);\n' >src/core/bad.c
refused 'src/core/bad.c:2: the order: comment does not say what this pairs with' atomics.sh
echo 'x = __sync_fetch_and_add(&x, 1);' >src/core/bad.c
refused "src/core/bad.c:1: a compiler's own atomic" atomics.sh

# --- discouraged
fresh
file src/core/good.c <<'END'
/* strcpy(a, b) is only spoken of; "sprintf(" is only quoted. */
static int f(int x)
{
    if (x > 1 &&
        g(x)) {
        x = snprintf(text, sizeof text, "if (%d) sprintf(", x);
    } else if (x) {
        return 1;
    } else {
        my_atoi("7");
    }
    do {
        x--;
    } while (x > 0);
    sleep(1); /* lint: allowed, because the sample needs one */
    for (;;) {
    }
}
END
accepted discouraged.sh
bad() { # CODE MESSAGE
    echo "$1" >src/core/bad.c
    refused "src/core/bad.c:1: $2" discouraged.sh
}
bad '    strcpy(a, b);' 'strcpy() is discouraged'
bad '    x = a + atoi (text);' 'atoi() is discouraged'
bad '    usleep(10);' 'usleep() is discouraged'
bad '    if (fork() == 0) {' 'fork() makes a second process with our leases'
bad '    if (x)' 'a branch or loop without braces'
bad '    while (x) x--;' 'a branch or loop without braces'
bad '    } else if (f(x)) return;' 'a branch or loop without braces'
bad '    } else' 'no brace after else'
bad '    else x = 1;' 'no brace after else'

# --- headers
fresh
printf '#include <stdint.h>\nstruct a { uint64_t b; };\n' >include/core/good.h
accepted headers.sh "${CC:-gcc}" -std=c17 -Iinclude
echo 'struct a { uint64_t b; };' >include/core/bad.h
refused 'include/core/bad.h:1: does not compile alone' headers.sh "${CC:-gcc}" -std=c17 -Iinclude

# --- size
fresh
{ echo 'int f(void)'; echo '{'; lines 68 '    ;'; echo '}'; lines 429 '/* … */'; } >src/core/good.c
{ printf '/* '; lines 94 'ö' | tr -d '\n'; echo ' */'; } >src/core/wide.c
accepted size.sh
lines 501 ';' >src/core/bad.c
refused 'src/core/bad.c:501: 501 lines, 500 at most' size.sh
{ echo 'int f(void)'; echo '{'; lines 69 '    ;'; echo '}'; } >src/core/bad.c
refused 'src/core/bad.c:2: a function of 71 lines, 70 at most' size.sh
lines 101 x | tr -d '\n' >src/core/bad.c
refused 'src/core/bad.c:1: 101 columns, 100 at most' size.sh

# --- ratio
fresh
mkdir tests/lint tests/bench
{ lines 10 'x;'; lines 50 '/* a comment */'; lines 50 ''; } >src/core/a.c
lines 6 'x;' >tests/test_a.c
printf '#!/bin/sh\n# a comment\nx\nx\n' >tests/a.sh
accepted ratio.sh
lines 90 'x;' | tee tests/lint/a.sh >tests/bench/b.c
lines 7 'x;' >tests/test_a.c
rm tests/a.sh
refused 'the ratio is below 0.80' ratio.sh

# --- options
options() { # a house whose three places agree
    fresh
    file src/config_table.c <<'END'
OPTION("not", "seen")
/* options:begin */
    OPTION("http", "max_count", 1),
    OPTION("sequence", "start", 2),
/* options:end */
END
    file conf/seqd.conf <<'END'
# The limit = of a block.
[http]
max_count = 1000
#[sequence:orders]
#start = 1
END
    file docs/CONFIGURATION.md <<'END'
| `word` | no option: outside a section |
## `[http]`
| option | meaning |
| `max_count` | … |
## `[sequence:NAME]`
| `start` | … |
## Other things
| `thing` | … |
END
}
options
accepted options.sh
sed -i '/max_count/d' conf/seqd.conf
refused 'src/config_table.c:3: [http] max_count is not in conf/seqd.conf' options.sh
options
sed -i '/start/d' docs/CONFIGURATION.md
refused 'src/config_table.c:4: [sequence] start is not in docs/CONFIGURATION.md' options.sh
options
echo '#step = 1' >>conf/seqd.conf
refused 'conf/seqd.conf:6: [sequence] step is no option of src/config*.c' options.sh
options
sed -i 's/^## Other.*/## [http] again/' docs/CONFIGURATION.md
refused 'docs/CONFIGURATION.md:8: [http] thing is no option of src/config*.c' options.sh
options
sed -i '/options:/d' src/config_table.c
refused 'has no table between options:begin and options:end' options.sh
options
rm conf/seqd.conf
refused 'conf/seqd.conf:1: is missing' options.sh

# --- man
man_page() {
    fresh
    printf '    OPTION("http", "max_count", 1),\n' >src/config_option.c
    printf 'x long_options[] = {\n    {"data-dir", 1},\n};\n' >src/options.c
    printf '.TH "%s" "%s" "2026-01-01"\n.SH NAME\nx \\- y\n.PP\n%s\n' "${1%.*}" "${1#*.}" "$2" >"$1"
}
if ! command -v mandoc >/dev/null 2>&1; then
    echo '*** NOT CHECKED: whether man.sh refuses (no mandoc)'
else
    man_page seqd.conf.5 '\fBmax_count\fR = number'
    accepted man.sh seqd.conf.5
    man_page seqd.conf.5 'max count'
    refused 'seqd.conf.5:1: says nothing of max_count' man.sh seqd.conf.5
    man_page seqd.8 '\fB\-\-data\-dir\fR'
    accepted man.sh seqd.8
    man_page seqd.8 'data-dir'
    refused 'seqd.8:1: says nothing of --data-dir' man.sh seqd.8
    man_page seqd.8 '\fB--data-dir\fX'
    refused 'seqd.8:5' man.sh seqd.8
fi

# --- format
fresh
cp "$lint/../../.clang-format" .
printf 'int f(void)\n{\n    return 1;\n}\n' >src/core/a.c
accepted format.sh
if "$lint/format.sh" | grep -q 'NOT CHECKED'; then
    echo '*** NOT CHECKED: whether format.sh refuses (no clang-format that the style is for)'
else
    printf 'int f(void) {\n  return 1;\n}\n' >src/core/a.c
    refused 'These files are not formatted: run make format' format.sh
fi
export CLANG_FORMAT=no-such-command
accepted format.sh

[ "$failures" = 0 ] || exit 1
echo "lints: $checks samples judged as they should be"
