#include "base/forecast.h"

#include <assert.h>

#define PERCENT_BITS 7 /* of 100 */

/* 100 × part / whole, by long division in base 2, whose rest always stays below `whole`. */
static unsigned percent(uint64_t part, uint64_t whole)
{
    unsigned quotient = 0;
    uint64_t rest = 0;

    for (unsigned bit = PERCENT_BITS; bit-- > 0;) {
        quotient *= 2;
        if (rest >= whole - rest) {
            rest -= whole - rest;
            quotient++;
        } else {
            rest += rest;
        }
        if ((100U >> bit & 1) == 0) {
            continue;
        }
        if (rest >= whole - part) {
            rest -= whole - part;
            quotient++;
        } else {
            rest += part;
        }
    }
    return quotient;
}

struct forecast forecast_of(uint64_t next, uint64_t capacity, uint64_t rate)
{
    assert(capacity >= 1);
    uint64_t left = next < capacity ? capacity - next : 0;

    return (struct forecast){
        .left = left,
        .used_percent = percent(capacity - left, capacity),
        .ends = rate > 0,
        .seconds_left = rate > 0 ? left / rate : 0,
    };
}
