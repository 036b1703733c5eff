#include "calls.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define SLOW_NS 2000000 /* of a call that is slow */

struct kind_of_call {
    const char *name;
    unsigned faults; /* a bit for each enum fault_kind that may befall it */
};

#define BIT(kind) (1U << (kind))
#define ANY (BIT(FAULT_EIO) | BIT(FAULT_SLOW) | BIT(FAULT_KILL) | BIT(FAULT_DEAD))
#define CHANGES (ANY | BIT(FAULT_ENOSPC) | BIT(FAULT_LATE) | BIT(FAULT_STUCK) | BIT(FAULT_FULL))

static const struct kind_of_call kinds[CALLS] = {
    [CALL_OPEN] = {"open", ANY | BIT(FAULT_ENOSPC) | BIT(FAULT_EMFILE) | BIT(FAULT_LATE)},
    [CALL_CLOSE] = {"close", BIT(FAULT_LATE) | BIT(FAULT_SLOW) | BIT(FAULT_KILL)},
    [CALL_LOOK] = {"look", ANY},
    [CALL_LIST] = {"list", ANY},
    [CALL_LOCK] = {"lock", ANY},
    [CALL_SEEK] = {"seek", ANY},
    [CALL_READ] = {"read", ANY},
    [CALL_MAP] = {"map", BIT(FAULT_ENOMEM) | BIT(FAULT_KILL) | BIT(FAULT_EMPTY)},
    [CALL_WRITE] = {"write", CHANGES | BIT(FAULT_SHORT)},
    [CALL_META] = {"meta", CHANGES | BIT(FAULT_SHORT)},
    [CALL_SYNC] = {"sync", CHANGES},
    [CALL_CUT] = {"cut", CHANGES},
    [CALL_RENAME] = {"rename", CHANGES},
    [CALL_UNLINK] = {"unlink", CHANGES},
    [CALL_RANDOM] = {"random", ANY | BIT(FAULT_SHORT)},
    [CALL_MEMORY] = {"memory", BIT(FAULT_ENOMEM) | BIT(FAULT_EMPTY)},
};

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_EIO] = "EIO",       [FAULT_ENOSPC] = "ENOSPC", [FAULT_EMFILE] = "EMFILE",
    [FAULT_ENOMEM] = "ENOMEM", [FAULT_SHORT] = "short",   [FAULT_LATE] = "late",
    [FAULT_STUCK] = "stuck",   [FAULT_SLOW] = "slow",     [FAULT_KILL] = "kill",
    [FAULT_DEAD] = "dead",     [FAULT_FULL] = "full",     [FAULT_EMPTY] = "empty",
};

/* What is planned, and what has come of it. */
static struct {
    uint64_t *counts; /* NULL: disarmed */
    enum call call;
    uint64_t number;
    enum fault_kind kind;
    unsigned struck;
    bool stuck; /* the next call fails, too */
} plan;

const char *call_name(enum call call)
{
    return kinds[call].name;
}

const char *fault_name(enum fault_kind kind)
{
    return fault_names[kind];
}

bool fault_fits(enum call call, enum fault_kind kind)
{
    return (kinds[call].faults & BIT(kind)) != 0;
}

bool fault_passes(enum fault_kind kind)
{
    return kind != FAULT_DEAD && kind != FAULT_FULL && kind != FAULT_EMPTY;
}

void calls_arm(uint64_t counts[CALLS], enum call call, uint64_t number, enum fault_kind kind)
{
    plan.call = call;
    plan.number = number;
    plan.kind = kind;
    plan.struck = 0;
    plan.stuck = false;
    plan.counts = counts;
}

unsigned calls_disarm(void)
{
    plan.counts = NULL;
    return plan.struck;
}

unsigned calls_struck(void)
{
    return plan.struck;
}

static enum course fail(int code)
{
    errno = code;
    return COURSE_FAILS;
}

static enum course take_time(void)
{
    struct timespec time = {.tv_nsec = SLOW_NS};

    (void)nanosleep(&time, NULL);
    return COURSE_WELL;
}

static enum course strike(void)
{
    plan.struck++;
    switch (plan.kind) {
    case FAULT_EIO:
    case FAULT_DEAD:
        return fail(EIO);
    case FAULT_ENOSPC:
    case FAULT_FULL:
        return fail(ENOSPC);
    case FAULT_EMFILE:
        return fail(EMFILE);
    case FAULT_ENOMEM:
    case FAULT_EMPTY:
        return fail(ENOMEM);
    case FAULT_SHORT:
        return COURSE_HALF;
    case FAULT_STUCK:
        plan.stuck = true;
        return COURSE_LATE;
    case FAULT_LATE:
        return COURSE_LATE;
    case FAULT_SLOW:
        return take_time();
    case FAULT_KILL:
        raise(SIGKILL);
        break;
    case FAULT_KINDS:
        break;
    }
    return COURSE_WELL;
}

enum course calls_judge(enum call call)
{
    uint64_t count;

    if (plan.counts == NULL) {
        return COURSE_WELL;
    }
    count = ++plan.counts[call];
    if (plan.stuck && call != CALL_MEMORY) {
        plan.stuck = false;
        return fail(EIO);
    }
    if (call != plan.call || plan.number == 0 || count < plan.number ||
        (count > plan.number && fault_passes(plan.kind))) {
        return COURSE_WELL;
    }
    return strike();
}
