#include "check_way.h"

#include "block_answer.h"
#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The codes of gRPC that seqd answers with. */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

void check_way_aim(struct check_way *way, const char *name, uint64_t count)
{
    char rest[64];
    way->message_length = 0;
    if (way->form == CHECK_GRPC) {
        (void)snprintf(way->path, sizeof way->path, "%s", GRPC_NEXT_PATH);
        way->message_length = grpc_next_write(way->message, name, count);
        return;
    }
    (void)snprintf(rest, sizeof rest, "/next?count=%" PRIu64, count);
    session_path(way->path, name, rest);
}

const char *check_way_name(const struct check_way *way, char to[ADDRESS_SIZE + 16])
{
    static const char *const forms[] = {
        [CHECK_JSON] = "json", [CHECK_TEXT] = "text", [CHECK_GRPC] = "grpc"};
    (void)snprintf(to, ADDRESS_SIZE + 16, "%s (%s)", address_name(&way->options.address),
                   forms[way->form]);
    return to;
}

/* ---- success ---- */

static void judge_block(uint64_t count, int64_t increment, struct check_reply *reply)
{
    const struct block *block = &reply->block;
    reply->has_block = true;
    bool exact =
        block_answer_is_exact(block, count) && (increment == 0 || block->increment == increment);
    reply->event = exact ? CHECK_BLOCK : CHECK_WRONG;
    if (!exact) {
        (void)error_fail(&reply->detail, ERR_CORRUPT,
                         "asked for %" PRIu64 ", got %" PRIu64 " from %" PRId64 " to %" PRId64
                         " by %" PRId64,
                         count, block->count, block->first, block->last, block->increment);
    }
}

static void judge_text(const struct answer *answer, uint64_t count, int64_t increment,
                       struct check_reply *reply)
{
    const char *at = answer->body;
    struct block block = {.increment = increment};
    int64_t number = 0;
    bool even = true;
    while (block_answer_line(&at, &number)) {
        even = even &&
               (block.count == 0 || (uint64_t)number - (uint64_t)block.last == (uint64_t)increment);
        block.first = block.count == 0 ? number : block.first;
        block.last = number;
        block.count++;
    }
    reply->block = block;
    if (at != answer->body + answer->length || block.count == 0) {
        reply->event = CHECK_WRONG;
        reply->has_block = block.count > 0;
        (void)error_fail(&reply->detail, ERR_CORRUPT, "these are not numbers, one a line");
        return;
    }
    judge_block(count, increment, reply);
    if (!even && reply->event == CHECK_BLOCK) {
        reply->event = CHECK_WRONG;
        (void)error_fail(&reply->detail, ERR_CORRUPT,
                         "the numbers from %" PRId64 " to %" PRId64 " are not %" PRId64 " apart",
                         block.first, block.last, increment);
    }
}

static void judge_success(enum check_form form, const struct answer *answer, uint64_t count,
                          int64_t increment, struct check_reply *reply)
{
    if (form == CHECK_TEXT) {
        judge_text(answer, count, increment, reply);
    } else if (form == CHECK_JSON ? block_answer_read(answer, &reply->block)
                                  : grpc_next_read(answer->body, answer->length, &reply->block)) {
        judge_block(count, increment, reply);
    } else {
        reply->event = CHECK_WRONG;
        (void)error_fail(&reply->detail, ERR_CORRUPT, "success without a block of numbers");
    }
}

/* ---- no success ---- */

static void fall_back(struct check_reply *reply, enum check_event event, enum outcome outcome)
{
    reply->event = event;
    reply->outcome = outcome;
}

static void judge_grpc(const struct answer *answer, struct check_reply *reply)
{
    (void)error_fail(&reply->detail, ERR_UNAVAILABLE, "the call ended with status %d of gRPC",
                     answer->grpc_status);
    switch (answer->grpc_status) {
    case GRPC_UNAVAILABLE:
    case GRPC_DEADLINE_EXCEEDED:
        fall_back(reply, CHECK_FAILED, OUTCOME_UNAVAILABLE);
        return;
    case GRPC_NOT_FOUND:
        fall_back(reply, CHECK_REFUSED, OUTCOME_NOT_FOUND);
        return;
    case GRPC_OUT_OF_RANGE:
        fall_back(reply, CHECK_REFUSED, OUTCOME_CONFLICT);
        return;
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        fall_back(reply, CHECK_REFUSED, OUTCOME_FORBIDDEN);
        return;
    default:
        fall_back(reply, CHECK_REFUSED, OUTCOME_FAILED);
    }
}

static void judge_http(const struct answer *answer, struct check_reply *reply)
{
    enum outcome outcome = refusal_outcome(answer);
    bool of_seqd = strcmp(answer->type, SERVER_TYPE_PROBLEM) == 0;
    (void)error_fail(&reply->detail, ERR_UNAVAILABLE, "HTTP status %ld", answer->status);
    if (!of_seqd && answer->status >= 500) {
        reply->unreached = true;
        fall_back(reply, CHECK_LOST, OUTCOME_UNREACHABLE);
    } else if (outcome == OUTCOME_UNAVAILABLE) {
        fall_back(reply, CHECK_FAILED, outcome);
    } else {
        fall_back(reply, CHECK_REFUSED, outcome);
    }
}

void check_way_judge(enum check_form form, const struct answer *answer, uint64_t count,
                     int64_t increment, struct check_reply *reply)
{
    bool success = refusal_is_none(answer);
    if (form == CHECK_GRPC && success && answer->grpc_status < 0) {
        (void)error_fail(&reply->detail, ERR_UNAVAILABLE, "a call of gRPC without a status");
        reply->unreached = true;
        fall_back(reply, CHECK_LOST, OUTCOME_UNREACHABLE);
    } else if (form == CHECK_GRPC && success && answer->grpc_status != GRPC_OK) {
        judge_grpc(answer, reply);
    } else if (success) {
        judge_success(form, answer, count, increment, reply);
    } else {
        judge_http(answer, reply);
    }
}

void check_way_ask(const struct check_way *way, struct server *server, uint64_t count,
                   int64_t increment, struct check_reply *ret_reply)
{
    struct question question = {.method = "POST",
                                .path = way->path,
                                .accept =
                                    way->form == CHECK_TEXT ? SERVER_TYPE_TEXT : SERVER_TYPE_JSON,
                                .body = way->form == CHECK_GRPC ? way->message : NULL,
                                .length = way->message_length};
    *ret_reply = (struct check_reply){.event = CHECK_FAILED};
    enum outcome outcome = server_ask(server, &question, &ret_reply->answer, &ret_reply->detail);
    if (outcome == OUTCOME_OK) {
        check_way_judge(way->form, &ret_reply->answer, count, increment, ret_reply);
        if (ret_reply->event != CHECK_BLOCK && ret_reply->event != CHECK_WRONG) {
            (void)error_wrap(&ret_reply->detail, ERR_UNAVAILABLE, "%s",
                             address_name(&way->options.address));
        }
        return;
    }
    /* What is no HTTP server now will be none later. */
    ret_reply->unreached = outcome == OUTCOME_UNREACHABLE;
    ret_reply->outcome = outcome;
    if (server_has_sent(server)) {
        ret_reply->event = CHECK_LOST;
    } else {
        ret_reply->event = ret_reply->unreached ? CHECK_FAILED : CHECK_REFUSED;
    }
}
