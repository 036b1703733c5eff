/* contract: every sentence of include/store/store.h as a test, to be run over any store.
 *
 * A store under test is a `struct contract_backend`; contract_run() runs all cases over it, each
 * with a durable part of its own. What a store may know better than the contract demands (that a
 * lease continues the one before) is tested only where the backend says so.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_CONTRACT_H
#define SEQD_TESTS_LIB_CONTRACT_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* How the next commit fails. To the caller both look the same. */
enum contract_fault {
    CONTRACT_BEFORE, /* before it took effect */
    CONTRACT_AFTER,  /* after it took effect */
};

#define CONTRACT_FAULTS 2

struct contract;

struct contract_backend {
    const char *name;
    bool contiguous;     /* one owner's leases follow each other */
    void *(*make)(void); /* the durable part */
    void (*destroy)(void *durable);
    enum error (*open)(void *durable, struct store **ret_store, struct error_detail *detail);
    void (*fail_once)(void *durable, enum contract_fault fault); /* the next commit, with ERR_IO */
    void (*break_down)(void *durable);                           /* every commit from now on */
    void (*heal)(void *durable);
};

/* One test's scene: an open store with no sequences. */
struct contract {
    const struct contract_backend *backend;
    void *durable;
    struct store *store;
    struct error_detail detail;
};

struct contract_case {
    const char *name; /* NULL ends a list */
    void (*run)(struct contract *contract);
};

/* The versions of clang-format do not agree on braces in a macro. */
/* clang-format off */
#define CONTRACT_CASE(function) {#function, function}
/* clang-format on */

extern const struct contract_case contract_define_cases[];
extern const struct contract_case contract_reserve_cases[];
extern const struct contract_case contract_give_back_cases[];
extern const struct contract_case contract_failure_cases[];
extern const struct contract_case contract_admin_cases[];
extern const struct contract_case contract_random_cases[];
extern const struct contract_case contract_lives_cases[];
extern const struct contract_case contract_ledger_cases[];

/* Run all of them; what main() returns. */
int contract_run(const struct contract_backend *backend);

/* Close the store and open it again over the same durable part. */
void contract_restart(struct contract *contract);

/* store_define() of the default definition, or of `definition`; asserts ERR_OK. */
struct store_entry contract_define(struct contract *contract, const char *name);
struct store_entry contract_define_as(struct contract *contract, const char *name,
                                      const struct definition *definition);

/* What store_each() says of `name`; asserts that it is there once. */
struct store_entry contract_entry(struct contract *contract, const char *name);

/* One store_reserve() of one sequence; asserts ERR_OK for the call and for the request. */
struct store_request contract_reserve(struct contract *contract, const char *name, uint64_t count,
                                      uint64_t floor);

/* One store_give_back() of the rest of `lease` from `mark` on; whether it was accepted. */
bool contract_give_back(struct contract *contract, const struct store_request *lease,
                        uint64_t mark);

/* A definition with `capacity` positions. */
struct definition contract_short_definition(int64_t capacity);

#endif
