#include "admin_stage.h"

#include <errno.h>

static void post(struct admin_request *request)
{
    struct errand_of_admin *errand = (struct errand_of_admin *)request;
    /* order: relaxed. Read after the semaphore, which orders it. */
    atomic_fetch_add_explicit(&errand->times_done, 1, memory_order_relaxed);
    sem_post(&errand->over);
}

void admin_stage_submit_to(struct registry *registry, struct keeper *keeper,
                           struct errand_of_admin *errand, struct admin_request request)
{
    errand->request = request;
    errand->request.done = post;
    atomic_init(&errand->times_done, 0);
    assert_int_equal(sem_init(&errand->over, 0, 0), 0);
    admin_submit(registry, keeper, &errand->request);
}

void admin_stage_submit(struct house *house, struct errand_of_admin *errand,
                        struct admin_request request)
{
    admin_stage_submit_to(house->registry, house->keeper, errand, request);
}

struct admin_request admin_stage_answer(struct errand_of_admin *errand)
{
    struct timespec until;
    int waited;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOUSE_PATIENCE_MS / 1000;
    while ((waited = sem_timedwait(&errand->over, &until)) != 0 && errno == EINTR) {
    }
    assert_int_equal(waited, 0);
    sem_destroy(&errand->over);
    /* order: relaxed. As above. */
    assert_int_equal(atomic_load_explicit(&errand->times_done, memory_order_relaxed), 1);
    if (errand->request.error == ERR_OK) {
        assert_string_equal(errand->request.detail.text, "");
    } else {
        assert_true(strlen(errand->request.detail.text) > 0);
    }
    return errand->request;
}

struct admin_request admin_stage_ask(struct house *house, struct admin_request request)
{
    struct errand_of_admin errand;
    admin_stage_submit(house, &errand, request);
    return admin_stage_answer(&errand);
}

struct admin_request admin_stage_must(struct house *house, struct admin_request request)
{
    struct admin_request answer = admin_stage_ask(house, request);
    if (answer.error != ERR_OK) {
        fail_msg("'%s': %s: %s", answer.name, error_name(answer.error), answer.detail.text);
    }
    return answer;
}

static struct admin_request named(enum admin_action action, const char *name)
{
    struct admin_request request = {.action = action};
    assert_in_range(strlen(name), 0, SEQUENCE_NAME_MAX);
    memcpy(request.name, name, strlen(name) + 1);
    return request;
}

struct admin_request admin_stage_create(const char *name, struct definition definition)
{
    struct admin_request request = named(ADMIN_CREATE, name);
    request.definition = definition;
    return request;
}

struct admin_request admin_stage_advance(const char *name, int64_t past, bool force)
{
    struct admin_request request = named(ADMIN_ADVANCE, name);
    request.past = past;
    request.force = force;
    return request;
}

struct admin_request admin_stage_drop(const char *name)
{
    return named(ADMIN_DROP, name);
}
