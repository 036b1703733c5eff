#!/bin/bash
# Plant errors in the store, one at a time: the failing calls and the damaged files must find each.
# FAULTS=n how many failing calls each is given (2000).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/plant.sh"
build=${1:?usage: planted.sh FOLDER-OF-THE-BUILD}
plant_begin "$top" "$build"

fault() { # NAME FILE PERL-SUBSTITUTION
    plant "$build/tests/faults/check_faults" 'ERROR: [^/]*|ended with .*' "$@" \
        SEED=1 FIRST=1 FAULTS="${FAULTS:-2000}"
}
damage() { # NAME FILE PERL-SUBSTITUTION
    plant "$build/tests/faults/check_damages" 'ERROR: .*|wrong: .*' "$@" FIRST=1
}

fault "a commit's result ignored" src/store/environment.c \
    's/(int code = mdb_txn_commit\(\*txn\);.*?)if \(code != MDB_SUCCESS\)/$1if (code == 12345)/s'
fault "a rename's result ignored" src/store/sentinel.c 's/if \((renameat\([^)]*\)) != 0\)/if ($1 > 0)/'
fault "a read's result ignored" src/store/sentinel.c 's/if \(length < 0\) (\{\s+return directory_fail\(directory, "read")/if (length > 1 << 30) $1/'
fault "an allocation's result ignored" src/store/store_lmdb.c 's/if \(lmdb == NULL\)/if (options == NULL)/'
fault 'a witness ahead of its commit' src/store/dataset.c \
    's/(SENTINEL_INITIALISED,\n\s+dataset->meta.counter)(, detail\);\n\n    return error == ERR_OK \? elsewhere_write)/$1 + 1$2/'
damage 'no sentinel: neither written nor looked at' src/store/dataset.c \
    's/(static enum error compare\(.*?\)\n\{)/$1\n    if (found != NULL) {\n        return ERR_OK;\n    }/s; s/(enum error dataset_witness\(.*?\)\n\{)/$1\n    if (detail != NULL) {\n        return ERR_OK;\n    }/s'
damage 'a record believed without its checksum' src/store/record.c \
    's/if \(bytes_get\(bytes \+ RECORD_AT_CRC, 4\) != record_crc\(name, bytes\)\) \{/if (name == NULL) {/'
plant_end
