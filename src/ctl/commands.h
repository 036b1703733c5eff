/* commands: what seqctl can do; COMMAND_run() is in COMMAND.c, those that show or change one
 * sequence in sequence.c.
 *
 * The law: results go to standard output, everything else to standard error; what fails has said
 * why. With --json a command prints what the server answered, or the shape that its comment states.
 *
 * Threads: one. */
#ifndef SEQD_CTL_COMMANDS_H
#define SEQD_CTL_COMMANDS_H

#include "arguments.h"
#include "outcome.h"

/* The table, in the order in which `help` shows it. */
const struct command *commands_table(size_t *ret_count);

/* Numbers, one a line. --json: the server's block. */
__attribute__((warn_unused_result)) enum outcome next_run(const struct arguments *arguments);

/* --json: {"sequences":[…]}, all pages of the server in one. */
__attribute__((warn_unused_result)) enum outcome list_run(const struct arguments *arguments);

/* These four: the server's sequence object. */
__attribute__((warn_unused_result)) enum outcome show_run(const struct arguments *arguments);
__attribute__((warn_unused_result)) enum outcome create_run(const struct arguments *arguments);
__attribute__((warn_unused_result)) enum outcome alter_run(const struct arguments *arguments);
__attribute__((warn_unused_result)) enum outcome advance_run(const struct arguments *arguments);

/* {"name":…,"floor":…} of the server. */
__attribute__((warn_unused_result)) enum outcome drop_run(const struct arguments *arguments);
enum outcome backup_run(const struct arguments *arguments);

/* What the server says of a number. */
__attribute__((warn_unused_result)) enum outcome decode_run(const struct arguments *arguments);

/* --json: {"verified":bool,"rows","sources":[{"source","ledger":bool,"oldest":text|null,
 * "since":text|null,"rows","missing","damaged"}],"sequences":[{"name","rows","leases","lowest",
 * "highest","leased","unrecorded","again","overlaps"}],"counts":{…},"findings":[{"finding",
 * "wrong":bool,"text","source","row":{…},"other":{…}}]}, all counts as strings, rows as the server
 * has them. OUTCOME_FAILED: something is wrong. OUTCOME_UNREADABLE: nothing is proven. */
__attribute__((warn_unused_result)) enum outcome verify_run(const struct arguments *arguments);

/* --json: {"number","on_record":bool,"oldest":text|null,"since":text|null,"found":[{"sequence",
 * "fate","text","rows":[{…}]}],"maybe":[names]}. OUTCOME_NOT_FOUND: nothing is on record. */
__attribute__((warn_unused_result)) enum outcome whois_run(const struct arguments *arguments);

/* --json: {"server","version","ready":bool,"reason":text|null,"sequences","issued","connections",
 * "requests","refusals","waiters","commits","store_errors"}, the counts as strings.
 * OUTCOME_UNAVAILABLE: not ready. */
__attribute__((warn_unused_result)) enum outcome status_run(const struct arguments *arguments);

/* --json: a line a look: {"time","requests_per_second","numbers_per_second","commits_per_second",
 * "sequences":[{"name","rate","issued","unissued","waiters","left"}]}, all counts as strings. */
__attribute__((warn_unused_result)) enum outcome top_run(const struct arguments *arguments);

/* Local: no server is asked. --json: {"token","line","scope","names","expires":text|null}. */
__attribute__((warn_unused_result)) enum outcome token_run(const struct arguments *arguments);

/* --json: {"sequence","connections","count","nanoseconds","requests","numbers",
 * "requests_per_second","numbers_per_second","latency_ns":{"p50","p90","p99","p99_9","max"},
 * "refused","repeated","disordered","inexact"}, the counts as strings. OUTCOME_FAILED: a number
 * came twice or out of order, or was not what was asked for. */
__attribute__((warn_unused_result)) enum outcome bench_run(const struct arguments *arguments);

/* --json: {"sequence","kind":text|null,"increment","connections","ways":[…],"count","nanoseconds",
 * "attempted","ok","fail","info","numbers","lowest","highest","duplicated","disordered","inexact",
 * "gaps":{"numbers","unknown","restarts","others"}|null,"outages","violations":[…],"valid":bool},
 * the counts as strings. OUTCOME_FAILED: a promise was broken, and that alone. */
__attribute__((warn_unused_result)) enum outcome check_run(const struct arguments *arguments);

/* The commands, or one of them. */
__attribute__((warn_unused_result)) enum outcome help_run(const struct arguments *arguments);

#endif
