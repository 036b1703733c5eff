#include "http_block.h"

#include "base/range.h"

#include <assert.h>
#include <string.h>

/* The number at `index`, which is below block->count, so that it lies between first and last. */
static int64_t number_at(const struct block *block, uint64_t index)
{
    return definition_number(block->first, block->increment, index);
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* How many of the numbers from `number` on, beyond it, are written with as many bytes; *ret_bytes:
 * so many, with sign and '\n'. */
static uint64_t steps_alike(int64_t number, int64_t increment, size_t *ret_bytes)
{
    uint64_t magnitude = magnitude_of(number);
    uint64_t least = number < 0 ? 1 : 0; /* of this sign and length, by magnitude */
    uint64_t most = 9;
    size_t digits = 1;

    while (magnitude > most) {
        least = most + 1;
        /* 19 digits are the most, and the last of them is INT64_MAX. */
        most = digits == 18 ? (uint64_t)INT64_MAX : most * 10 + 9;
        digits++;
    }
    *ret_bytes = digits + (number < 0 ? 1 : 0) + 1;
    bool outward = (number < 0) == (increment < 0);
    uint64_t distance = outward ? most - magnitude : magnitude - least;
    return distance / magnitude_of(increment);
}

uint64_t http_block_length(const struct block *block)
{
    uint64_t length = 0;

    for (uint64_t index = 0; index < block->count;) {
        size_t bytes = 0;
        uint64_t steps = steps_alike(number_at(block, index), block->increment, &bytes);
        uint64_t alike = range_min(steps, block->count - index - 1) + 1;

        length += alike * bytes;
        index += alike;
    }
    return length;
}

static size_t write_line(char *to, int64_t number)
{
    size_t length = text_format_int64(to, number);

    to[length] = '\n'; /* in the place that TEXT_INT64_SIZE has for a NUL */
    return length + 1;
}

size_t http_block_write(char *to, const struct block *block)
{
    size_t length = 0;

    assert(block->count <= HTTP_BLOCK_SMALL);
    for (uint64_t index = 0; index < block->count; index++) {
        length += write_line(to + length, number_at(block, index));
    }
    return length;
}

void http_block_stream_start(struct http_block_stream *stream, const struct block *block)
{
    stream->block = *block;
    stream->written = 0;
    stream->line_length = 0;
    stream->line_used = 0;
}

/* Give out what is left of the line that did not fit. */
static size_t finish_line(struct http_block_stream *stream, char *to, size_t room)
{
    size_t length = range_min(stream->line_length - stream->line_used, room);

    memcpy(to, stream->line + stream->line_used, length);
    stream->line_used += length;
    return length;
}

size_t http_block_stream_read(struct http_block_stream *stream, char *to, size_t room)
{
    size_t length = finish_line(stream, to, room);

    while (room - length >= TEXT_INT64_SIZE && stream->written < stream->block.count) {
        length += write_line(to + length, number_at(&stream->block, stream->written++));
    }
    while (room > length && stream->written < stream->block.count) {
        stream->line_length =
            write_line(stream->line, number_at(&stream->block, stream->written++));
        stream->line_used = 0;
        length += finish_line(stream, to + length, room - length);
    }
    return length;
}
