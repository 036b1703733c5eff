#include "check_history.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_LEAST 64

/* Room for one more of `size` bytes. */
static enum error make_room(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return ERR_OK;
    }
    size_t wanted = *room < ROOM_LEAST ? ROOM_LEAST : *room + *room / 2;
    void *grown = reallocarray(*items, wanted, size);
    if (grown == NULL) {
        return ERR_NO_MEMORY;
    }
    *items = grown;
    *room = wanted;
    return ERR_OK;
}

enum error check_history_take(struct check_history *history, const struct check_take *take)
{
    void *items = history->takes;
    assert(take->count > 0);
    assert(take->span.sent_ns <= take->span.ended_ns);
    enum error error =
        make_room(&items, history->take_count, &history->take_room, sizeof *history->takes);
    history->takes = items;
    if (error == ERR_OK) {
        history->takes[history->take_count++] = *take;
    }
    return error;
}

enum error check_history_lose(struct check_history *history, const struct check_loss *loss)
{
    void *items = history->losses;
    assert(loss->span.sent_ns <= loss->span.ended_ns);
    enum error error =
        make_room(&items, history->loss_count, &history->loss_room, sizeof *history->losses);
    history->losses = items;
    if (error == ERR_OK) {
        history->losses[history->loss_count++] = *loss;
    }
    return error;
}

enum error check_history_miss(struct check_history *history, const struct check_span *outage)
{
    void *items = history->outages;
    assert(outage->sent_ns <= outage->ended_ns);
    enum error error =
        make_room(&items, history->outage_count, &history->outage_room, sizeof *history->outages);
    history->outages = items;
    if (error == ERR_OK) {
        history->outages[history->outage_count++] = *outage;
    }
    return error;
}

void check_history_free(struct check_history *history)
{
    free(history->takes);
    free(history->losses);
    free(history->outages);
    *history = (struct check_history){.takes = NULL};
}
