/* law: what the fuzzers have in common.
 *
 * The law: a fuzzer asserts what the header of the code that it feeds promises, beyond that nothing
 * crashes; where a promise is broken it says which, and aborts, so that libFuzzer keeps the input.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_FUZZ_LAW_H
#define SEQD_TESTS_FUZZ_LAW_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls with each input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__attribute__((noreturn)) void law_broken(const char *file, int line, const char *promise);

#define law_holds(promise) ((promise) ? (void)0 : law_broken(__FILE__, __LINE__, #promise))

/* A copy of `size` bytes, to be freed, with a NUL behind them: what is read past it is found. */
char *law_text(const void *bytes, size_t size);

/* A copy of exactly `size` bytes, to be freed. */
uint8_t *law_bytes(const void *bytes, size_t size);

/* The path of a file in memory, which holds these bytes until the next call. */
const char *law_file(const void *bytes, size_t size);

/* How many lines a file of these bytes has; one that is not ended counts. */
size_t law_lines(const void *bytes, size_t size);

/* A refusal says why: some text, all of it printable, with a NUL. */
bool law_explains(const struct error_detail *detail);

/* Fill memory with what nobody writes by chance, and ask whether it is untouched. */
void law_mark(void *memory, size_t size);
bool law_untouched(const void *memory, size_t size);

#endif
