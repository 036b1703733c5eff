/* verifier_inside: what the files of the verifier share.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_VERIFIER_INSIDE_H
#define SEQD_CTL_VERIFIER_INSIDE_H

#include "verifier.h"

#define LIFE_NONE UINT32_MAX

struct verifier_life {
    uint32_t parent; /* the life that it goes on from; LIFE_NONE: not known */
    bool forked;     /* its inputs hold two histories: each is followed alone */
};

/* Indexes of rows. */
struct verifier_rows {
    size_t *items;
    size_t count;
    size_t room;
};

struct verifier {
    struct history *history;
    struct verdict *verdict;
    struct verifier_life *lives;
    struct verifier_rows order;   /* of the rows that count, by name, life, id and input */
    struct verifier_rows rewinds; /* of the name that is looked at */
    struct verifier_rows stack;   /* scratch of the walk */
};

__attribute__((warn_unused_result)) enum error verifier_rows_add(struct verifier_rows *rows,
                                                                 size_t row);

/* Count it, and keep it while there is room for its kind. */
__attribute__((warn_unused_result)) enum error verifier_note(struct verifier *verifier,
                                                             const struct finding *finding);

/* Does `life` go on from `ancestor`, or is it the same? */
bool verifier_is_ancestor(const struct verifier *verifier, uint32_t ancestor, uint32_t life);

/* Was `a` written before `b`, in one history? False also where that is not known. */
bool verifier_before(const struct verifier *verifier, const struct history_row *a,
                     const struct history_row *b);

/* Follow the marks of one name through one life: order.items[begin … end), which are its rows.
 * Finds what each lease holds in the end, and adds to `rewinds`. */
__attribute__((warn_unused_result)) enum error verifier_walk(struct verifier *verifier,
                                                             size_t begin, size_t end);

/* Compare the leases of one name: order.items[begin … end), after all walks. */
__attribute__((warn_unused_result)) enum error verifier_compare(struct verifier *verifier,
                                                                size_t begin, size_t end);

#endif
