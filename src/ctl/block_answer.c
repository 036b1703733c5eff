#include "block_answer.h"

#include "base/text.h"

#include <jansson.h>
#include <string.h>

static bool read_number(const json_t *block, const char *member, int64_t *ret_number)
{
    const char *text = json_string_value(json_object_get(block, member));
    return text != NULL && text_parse_int64(text, ret_number) == ERR_OK;
}

bool block_answer_read(const struct answer *answer, struct block *ret_block)
{
    struct block block = {.count = 0};
    json_t *object = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *said = json_object_get(object, "count");
    bool good = read_number(object, "first", &block.first) &&
                read_number(object, "last", &block.last) &&
                read_number(object, "increment", &block.increment) && json_is_integer(said) &&
                json_integer_value(said) > 0;
    if (good) {
        block.count = (uint64_t)json_integer_value(said);
        *ret_block = block;
    }
    json_decref(object);
    return good;
}

bool block_answer_is_exact(const struct block *block, uint64_t count)
{
    /* Unsigned, so that what is wrong may wrap; then its direction is wrong as well. */
    return block->count == count && block->increment != 0 &&
           (uint64_t)block->last - (uint64_t)block->first ==
               (count - 1) * (uint64_t)block->increment &&
           (count == 1 || (block->last > block->first) == (block->increment > 0));
}

bool block_answer_line(const char **at, int64_t *ret_number)
{
    char text[TEXT_INT64_SIZE];
    size_t length = strcspn(*at, "\n");
    if ((*at)[length] != '\n' || length >= sizeof text) {
        return false;
    }
    memcpy(text, *at, length);
    text[length] = '\0';
    if (text_parse_int64(text, ret_number) != ERR_OK) {
        return false;
    }
    *at += length + 1;
    return true;
}
