#include "grpc_look.h"

#include <assert.h>

void grpc_look_init(struct grpc_look *look, uint64_t limit_ns)
{
    assert(limit_ns <= CLOCK_NS_PER_MS);
    *look = (struct grpc_look){
        .limit_ns = limit_ns, .price = GRPC_LOOK_PRICE_MIN, .debt = GRPC_LOOK_PRICE_MIN};
}

uint64_t grpc_look_ns(const struct grpc_look *look, struct instant now)
{
    return look->debt == 0 && clock_reached(look->rests, now) ? look->limit_ns : 0;
}

/* An eighth, and one at least, so that it gets all the way down. */
static unsigned cheaper(unsigned price)
{
    unsigned less = price - (price + 7) / 8;

    return less < GRPC_LOOK_PRICE_MIN ? GRPC_LOOK_PRICE_MIN : less;
}

void grpc_look_ended(struct grpc_look *look, struct instant began, struct instant now, bool found)
{
    assert(look->debt == 0);
    if (clock_elapsed(began, now) >= look->limit_ns + GRPC_LOOK_LATE_NS) {
        look->rests = clock_after(now, GRPC_LOOK_REST_NS);
    }
    if (found) {
        look->price = cheaper(look->price);
        return;
    }
    look->debt = look->price;
    look->price = look->price > GRPC_LOOK_PRICE_MAX / 2 ? GRPC_LOOK_PRICE_MAX : look->price * 2;
}

void grpc_look_slept(struct grpc_look *look, struct instant began, struct instant now)
{
    if (look->debt > 0 && clock_elapsed(began, now) <= GRPC_LOOK_SHORT * look->limit_ns) {
        look->debt--;
    }
}
