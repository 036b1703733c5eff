#!/bin/bash
# Plant errors in what reads foreign bytes, one at a time, in a copy of the tree; its fuzzer must find each: in its
# corpus, or within FUZZ_SECONDS (10) of looking.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=${1:?usage: planted.sh FOLDER-OF-THE-BUILD}
passed=0
failed=0
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=16}

mkdir -p "$work/tree/build" "$work/inputs"
cp -a "$top"/{Makefile,src,include,tests,packaging,docs} "$work/tree/"
cp -a "$top"/build/{assets,grpc,proto} "$work/tree/build/" 2>/dev/null || true # without gRPC there are fewer
cp -a "$top/$build" "$work/tree/$build"
rm -rf "${work:?}/tree/$build"/{corpus,found,logs}

plant() { # FUZZER NAME FILE PERL-SUBSTITUTION
    plant_one "$@"
    cp "$top/$3" "$work/tree/$3" # as new, so that it is built again
}

plant_one() {
    local fuzzer=fuzz_$1 corpus=$here/corpus/$1 name=$2 file=$3 how=$4 said place='its corpus'
    local program=$work/tree/$build/tests/fuzz/$fuzzer
    perl -0pi -e "$how" "$work/tree/$file"
    if cmp -s "$work/tree/$file" "$top/$file"; then
        echo "FAILED: '$name' changes nothing in $file: the code has moved on, plant it anew"
        failed=$((failed + 1))
        return
    fi
    if ! make -s -C "$work/tree" VARIANT=fuzz CFLAGS="${CFLAGS--O2 -g} -Wno-error" "$build/tests/fuzz/$fuzzer" >"$work/log" 2>&1; then
        echo "FAILED: '$name' does not build"
        tail -5 "$work/log"
        failed=$((failed + 1))
        return
    fi
    if said=$("$program" -artifact_prefix="$work/" "$corpus"/* 2>&1); then
        place='a search'
        if said=$("$program" -artifact_prefix="$work/" -max_len=2048 -max_total_time="${FUZZ_SECONDS:-10}" \
            -dict="$here/$1.dict" "$work/inputs" "$corpus" 2>&1); then
            echo "FAILED: '$name' was not found by $fuzzer"
            failed=$((failed + 1))
            return
        fi
    fi
    echo "planted: $name: $(grep -m1 -oE 'law broken.*|Assertion.*|runtime error.*|AddressSanitizer: [a-z-]+' <<<"$said"), in $place"
    passed=$((passed + 1))
}

plant config 'a value above its range' src/config_option.c 's/ \|\| value > option->max\)/)/'
plant config 'an unknown section passed over' src/config_file.c \
    's/mistake\(pass, pass->line,\s+"unknown section/(void)snprintf((char[200]){0}, 200, "unknown section/'
plant request 'a path with more behind it' src/front/http_route.c \
    's/strcmp\(pattern, path\) != 0/strncmp(pattern, path, strlen(pattern)) != 0/'
plant request 'a HEAD that takes numbers' src/front/http_next.c \
    's/request->method == HTTP_HEAD/request->method == HTTP_HEAD && request->format == HTTP_FORMAT_JSON/'
plant request 'a length that is one off' src/front/http_block.c \
    's/range_min\(steps, block->count/range_min(steps + 1, block->count/'
plant tokens 'a pattern that matches what it begins with' src/front/access.c \
    's/return pattern\[strspn\(pattern, "\*"\)\] == .\\0.;/return true;/'
plant tokens 'a token repeated into the log' src/front/access_file.c \
    's/"a line begins with \x27" HASH_PREFIX "\x27 and the hash of a token"/"\x27%s\x27 is no hash", word/'
plant stored 'bytes kept for later that are not zero' src/store/record.c 's/!record_space_is_zero\(bytes\)\)/(bytes == NULL \&\& !record_space_is_zero(bytes)))/'
plant stored 'the lower mark of two copies' src/store/copies.c 's/newer\.mark = range_max\(a->mark, b->mark\);//'
plant stored 'a backup read to its first NUL' src/store/backup.c "s/memchr\(reader->at, '.0', \(size_t\)\(reader->end - reader->at\)\) != NULL/reader->at == NULL/"
plant ledger 'a row whose numbers wrap' src/base/ledger_entry.c 's/!numbers_fit\(entry\)/entry->start < 0 \&\& !numbers_fit(entry)/'
plant ledger 'a key that the checksum leaves out' src/store/ledger_record.c \
    's/crc32c\(crc32c\(0, key, sizeof\(key\)\), bytes, length\)/crc32c(crc32c(0, key, 0), bytes, length)/'
plant ledger 'a word more in a row that seqctl reads' src/ctl/ledger_row.c 's/words.count == ROW_WORDS/words.count >= ROW_WORDS/'
plant decode 'the last number of a span' src/base/layout.c 's/\(limit - 1\) << shift/limit << shift/'
plant decode 'a leap year that is none' src/base/rfc3339.c 's/ \|\| year % 400 == 0//'
plant json 'a number cut to the bits of its field' src/front/http_object.c \
    's/: \(UINT64_C\(1\) << 8 \* member->size\) - 1;/: UINT64_MAX;/'
plant verify 'a row whose numbers have no 64 bits' src/base/ledger_entry.c 's/!numbers_fit\(entry\)/entry->start < 0 \&\& !numbers_fit(entry)/'
plant verify 'a row that counts once for each input' src/ctl/verifier.c 's/a->time_ms == b->time_ms/a->time_ms != b->time_ms/'
if [ "${GRPC:-yes}" = yes ]; then
    plant grpc_frames 'the last byte of a frame lost' src/front/grpc_session.c 's/length \+= \(size_t\)size;/length += (size_t)size - 1;/'
    plant grpc 'a message longer than what came' src/front/grpc_frame.c 's/size > length - GRPC_FRAME_HEAD/size > length/'
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
