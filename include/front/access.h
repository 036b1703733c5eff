/* access: who may do what: by where a client comes from, or by a bearer token.
 *
 * The law: what is not allowed in words is refused. The unix socket may do everything, for the
 * permissions of its file have decided already. Over TCP a client needs a token, except that it may
 * issue and read without one where `issue_without_token` says so; to administer always takes one.
 * Only the SHA-256 of a token is kept, and it is compared in constant time with every one there is,
 * so neither the file nor the time of an answer tells a token.
 *
 * A token is "seqd_" and 43 characters of base64url: 256 random bits. The token file has a line
 * for each:
 *
 *     sha256:HEX SCOPES PATTERN [expires=RFC3339]   # a comment
 *
 * HEX is the hash of the token's text, SCOPES a list of issue, read and admin with commas between,
 * PATTERN the names that it counts for: `*` stands for any characters, `?` for one. What is asked
 * of no one sequence (a list, the metrics) takes a token whose pattern is `*`.
 *
 * Threads: any; opened and closed by the owner. */
#ifndef SEQD_FRONT_ACCESS_H
#define SEQD_FRONT_ACCESS_H

#include "base/definition.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ACCESS_PATH_SIZE 256   /* bytes of the token file's path with its NUL */
#define ACCESS_TOKENS_MAX 1024 /* in a file */
#define ACCESS_FILE_MAX_BYTES (INT64_C(1) << 20)
#define ACCESS_LINE_MAX 511                                 /* bytes of a line */
#define ACCESS_PREFIX "seqd_"                               /* every token begins with it, … */
#define ACCESS_TOKEN_LENGTH (sizeof ACCESS_PREFIX - 1 + 43) /* … and has so many bytes */
#define ACCESS_HEADER_MAX (16 + ACCESS_TOKEN_LENGTH) /* bytes of "Bearer TOKEN", blanks and all */

/* What a request is about to do. */
enum access_scope {
    ACCESS_PUBLIC = 0, /* nothing that needs a right */
    ACCESS_ISSUE = 1,  /* take numbers; brings the right to read */
    ACCESS_READ = 2,   /* look */
    ACCESS_ADMIN = 4,  /* create, alter, advance, drop; brings the other two */
};

/* Where a client comes from. */
enum access_peer {
    ACCESS_PEER_UNIX,     /* the unix socket */
    ACCESS_PEER_LOOPBACK, /* TCP, from an address of the loopback interface */
    ACCESS_PEER_REMOTE,   /* TCP, from any other, also one of this machine */
};

enum access_verdict {
    ACCESS_GRANTED,
    ACCESS_NO_TOKEN,  /* one is needed */
    ACCESS_BAD_TOKEN, /* malformed, unknown or expired: which, is not told */
    ACCESS_FORBIDDEN, /* the token is good, but its scopes or its pattern do not cover this */
};

/* For whom issuing and reading needs no token. */
enum access_open {
    ACCESS_OPEN_LOOPBACK,
    ACCESS_OPEN_EVERYWHERE,
    ACCESS_OPEN_NEVER,
};

struct access_options {
    char tokens[ACCESS_PATH_SIZE]; /* path of the token file; empty: there are no tokens */
    enum access_open issue_without_token;
    int64_t (*now_s)(void); /* seconds since 1970; NULL: the system's clock */
};

/* What a token allows. */
struct access_grant {
    unsigned scopes;   /* of enum access_scope, with those that others bring */
    bool any_name;     /* the pattern is `*` */
    int64_t expires_s; /* from this second on it counts no more */
    char pattern[SEQUENCE_NAME_MAX + 1];
};

/* One connection, as long as it is open, in the front's memory and used by one thread at a time.
 * It remembers the header that was good last, so that only the first request of a connection costs
 * a hash. All zero but `peer` before the first request. */
struct access_client {
    enum access_peer peer;
    uint64_t edition; /* of the tokens, when `header` was found good; 0: never */
    size_t header_length;
    char header[ACCESS_HEADER_MAX]; /* not ended by a NUL */
    struct access_grant grant;
};

struct access;

/* Read the token file, if one is named.
 * ERR_NOT_FOUND  there is no such file. ERR_INVALID  a mistake in it, as "FILE:LINE: what", or the
 * file may be written by anybody, or is none. ERR_IO, ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error access_open(const struct access_options *options,
                                                           struct access **ret_access,
                                                           struct error_detail *detail);

/* Read it anew, and take over the options: for every request from now on, over old connections too.
 * As access_open(); on a failure all stays as it was. By the owner. */
__attribute__((warn_unused_result)) enum error access_reload(struct access *access,
                                                             const struct access_options *options,
                                                             struct error_detail *detail);

/* May this client do what `scope` says? Never blocks on anything but memory.
 * `authorization`  the value of the header of that name, NULL where there is none, "" where there
 *                  are several. It is not looked at where no token is needed.
 * `name`           of the sequence, of `name_length` bytes; NULL when it is about no one
 *                  sequence. */
enum access_verdict access_check(struct access *access, struct access_client *client,
                                 const char *authorization, enum access_scope scope,
                                 const char *name, size_t name_length);

/* Can a client from another machine do anything at all: is there a token file, or is issuing open
 * everywhere? */
bool access_serves_remote(const struct access_options *options);

/* How many tokens are in force, expired ones too. */
size_t access_tokens(struct access *access);

/* Free. NULL is accepted. */
void access_close(struct access *access);

/* Where a connection from `address` comes from. AF_UNIX, AF_INET and AF_INET6, IPv4 in IPv6 too;
 * any other is remote. */
enum access_peer access_peer_of(const struct sockaddr *address);

/* The scope's word: "issue", "read", "admin"; "public" for none. */
const char *access_scope_name(enum access_scope scope);

#endif
