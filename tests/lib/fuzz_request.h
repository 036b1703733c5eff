/* fuzz_request: HTTP requests with random bytes in every field.
 *
 * The law: what fuzz_request_make() makes is one request whatever is in it: no random byte touches
 * its framing, so the next one in the pipeline begins where it ends. fuzz_request_make_wild() keeps
 * to nothing. Sequences whose names begin with 'f' may be changed by what is made, others not.
 *
 * Threads: any; a request belongs to one thread at a time. */
#ifndef SEQD_TESTS_LIB_FUZZ_REQUEST_H
#define SEQD_TESTS_LIB_FUZZ_REQUEST_H

#include "chance.h"

#include <stdbool.h>
#include <stddef.h>

#define FUZZ_REQUEST_SIZE 24576 /* bytes; more than any has */

struct fuzz_request {
    char bytes[FUZZ_REQUEST_SIZE];
    size_t length;
    bool bodyless; /* it is a HEAD: its answer has no body */
    bool ends;     /* the daemon may end the connection after its answer */
    bool judged;   /* the numbers in its answer are not of a sequence that begins with 'f' */
};

void fuzz_request_make(struct fuzz_request *request, struct chance *chance);
void fuzz_request_make_wild(struct fuzz_request *request, struct chance *chance);

#endif
