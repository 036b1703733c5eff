/* certificate: self-signed certificates with their keys, for tests of TLS.
 *
 * The law: what is written is good for 127.0.0.1 and ::1, from yesterday for ten years. Links
 * GnuTLS. What fails ends the test.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_LIB_CERTIFICATE_H
#define SEQD_TESTS_LIB_CERTIFICATE_H

#include "dir.h"

/* Write a new certificate of `name` to NAME.pem and its key to NAME.key in `dir`, under these file
 * names instead where `as` is not NULL. */
void certificate_write(const struct dir *dir, const char *name, const char *as);

#endif
