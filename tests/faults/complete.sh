#!/bin/bash
# Does check_faults let every call fail that the store, or LMDB below it, makes to the kernel or for memory? A function that
# neither is defined by it nor stands in one of the lists here is named: it has to be added to calls_kernel.c, or here.
set -euo pipefail
build=${1:?usage: complete.sh FOLDER-OF-THE-BUILD}
program=$build/tests/faults/check_faults
# They cannot fail, or nothing depends on it.
harmless='free munmap madvise posix_fadvise closedir getpid uname sysconf fprintf fwrite write msync getcwd'
# They fail by way of a call that is covered: malloc(), open().
covered='strdup fdopendir'
# Of the C library, and without the kernel, as far as the store uses them.
plain='abort|mem[a-z]*|str[a-z]*|v?snprintf|__.*|_[A-Z].*|pthread_.*|sig.*|stderr|mdb_.*'

lmdb=$(ldd "$program" | awk '/liblmdb/ { print $3 }')
defined=" $(nm --defined-only "$program" | awk '$2 == "T" { print $3 }' | tr '\n' ' ') $harmless $covered "
unknown() { # WORDS OF nm...: the names that are in no list
    local name
    for name in $("$@" | awk 'NF == 2 && $1 != "w" { sub(/@.*/, "", $2); print $2 }' | sort -u); do
        [[ $name =~ ^($plain)$ || $defined == *" $name "* ]] || echo "$name"
    done
}

# Another release of LMDB may use other calls, which is worth a line and no failure.
for name in $(unknown nm -D --undefined-only "$lmdb"); do
    echo "NOT CHECKED: what a failing $name() does to LMDB: define it in tests/faults/calls_kernel.c"
done
missing=$(unknown nm -u "$build/libstore.a")
for name in $missing; do
    echo "check_faults lets no $name() fail: define it in tests/faults/calls_kernel.c, or list it in tests/faults/complete.sh"
done
[ -z "$missing" ]
