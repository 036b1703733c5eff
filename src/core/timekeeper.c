#include "core/timekeeper.h"

#define LOOKS 3 /* tries to read both clocks at about the same moment */

/* Both clocks at one moment: the monotonic one is read before and after the other. False when this
 * thread was held up between the two each time: then nothing can be said. */
static bool read_both(const struct wall_clock *clock, int64_t *ret_ahead_ms)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        struct instant before = clock->monotonic(clock);
        int64_t wall_ms = clock->wall_ms(clock);
        struct instant after = clock->monotonic(clock);
        if (clock_elapsed(before, after) <= CLOCK_NS_PER_MS) {
            *ret_ahead_ms = wall_clock_ahead_ms(wall_ms, after);
            return true;
        }
    }
    return false;
}

enum error timekeeper_init(struct timekeeper *timekeeper, const struct wall_clock *clock)
{
    *timekeeper = (struct timekeeper){.clock = clock};
    if (pthread_mutex_init(&timekeeper->lock, NULL) != 0) {
        return ERR_NO_MEMORY;
    }
    timekeeper->ahead_ms = wall_clock_ahead_ms(clock->wall_ms(clock), clock->monotonic(clock));
    return ERR_OK;
}

void timekeeper_fini(struct timekeeper *timekeeper)
{
    (void)pthread_mutex_destroy(&timekeeper->lock); /* nobody holds it */
}

/* The lock is held, so that of two looks the later one is compared with the earlier. */
static void look(struct timekeeper *timekeeper)
{
    int64_t ahead_ms = 0;
    if (!read_both(timekeeper->clock, &ahead_ms)) {
        return;
    }
    int64_t step_ms = ahead_ms - timekeeper->ahead_ms;
    if (step_ms > -TIMEKEEPER_STEP_MS && step_ms < TIMEKEEPER_STEP_MS) {
        return; /* the old distance stays, so that a clock that creeps is noticed as well */
    }
    timekeeper->ahead_ms = ahead_ms;
    timekeeper->steps.last_ms = step_ms;
    timekeeper->steps.forward += step_ms > 0 ? 1 : 0;
    timekeeper->steps.backward += step_ms < 0 ? 1 : 0;
}

void timekeeper_look(struct timekeeper *timekeeper)
{
    pthread_mutex_lock(&timekeeper->lock);
    look(timekeeper);
    pthread_mutex_unlock(&timekeeper->lock);
}

void timekeeper_steps(struct timekeeper *timekeeper, struct timekeeper_steps *ret_steps)
{
    pthread_mutex_lock(&timekeeper->lock);
    look(timekeeper);
    *ret_steps = timekeeper->steps;
    pthread_mutex_unlock(&timekeeper->lock);
}
