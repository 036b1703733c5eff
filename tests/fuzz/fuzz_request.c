/* fuzz_request: any bytes as a request, behind what libmicrohttpd makes of them: method, path,
 * query, headers, body.
 *
 * The law: a path leads somewhere only if it is exactly one of those that are documented. What is
 * refused takes no number. What is not is a block of exactly as many as were asked for, one number
 * after the other, which goes on where the one before it ended; and what the sequences say they
 * have issued is what was answered. Every answer has the form that http_reply.h promises. */
#include "law.h"

#include "base/text.h"
#include "front.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_PATH "\"/problems/unknown-path\""
#define ITEMS "/v1/sequences/"

/* What each sequence has given so far. */
static struct given {
    const char *name;
    int64_t increment; /* 0: a later number is larger, and that is all */
    int64_t next;      /* the number that comes next, or the least that may */
} given[] = {
    {"default", 1, 1}, {"orders", 1, INT64_C(1000000000000)}, {"few", -7, 1}, {"ticks", 0, 1}};

static struct given *find_given(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (strlen(given[i].name) == length && memcmp(given[i].name, name, length) == 0) {
            return &given[i];
        }
    }
    return NULL;
}

/* ---- paths ---- */

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(text, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* Is it documented? Read piece by piece, not by patterns. */
static bool is_documented(const char *path)
{
    static const char *const whole[] = {"/",
                                        "*",
                                        "/v1/sequences",
                                        "/v1/backup",
                                        "/v1/ledger",
                                        "/healthz",
                                        "/readyz",
                                        "/metrics",
                                        "/openapi.yaml",
                                        "/openapi.json",
                                        "/docs",
                                        "/docs/",
                                        "/docs/start.js",
                                        "/docs/swagger-ui-bundle.js",
                                        "/docs/swagger-ui.css",
                                        NULL};
    static const char *const tails[] = {"", "/next", "/advance", "/range", NULL};

    if (is_one_of(path, whole)) {
        return true;
    }
    if (strncmp(path, ITEMS, sizeof ITEMS - 1) != 0) {
        return false;
    }
    const char *tail = path + sizeof ITEMS - 1;
    tail += strcspn(tail, "/");
    return is_one_of(tail, tails) ||
           (strncmp(tail, "/decode/", 8) == 0 && strchr(tail + 8, '/') == NULL);
}

/* The sequence that a path draws from, or NULL. */
static struct given *drawn_from(const char *path)
{
    if (strcmp(path, "/") == 0) {
        return find_given("default", 7);
    }
    if (strncmp(path, ITEMS, sizeof ITEMS - 1) != 0) {
        return NULL;
    }
    const char *name = path + sizeof ITEMS - 1;
    size_t length = strcspn(name, "/");
    return strcmp(name + length, "/next") == 0 ? find_given(name, length) : NULL;
}

/* ---- numbers ---- */

static void expect_number(struct given *from, int64_t number)
{
    if (from->increment == 0) {
        law_holds(number >= from->next);
        from->next = number + 1;
    } else {
        law_holds(number == from->next);
        from->next = number + from->increment;
    }
}

static int64_t member(const json_t *object, const char *name)
{
    int64_t number = 0;

    law_holds(text_parse_int64(json_string_value(json_object_get(object, name)), &number) ==
              ERR_OK);
    return number;
}

static uint64_t read_json(const struct false_answer *answer, struct given *from)
{
    json_t *object = json_loadb(answer->body, (size_t)answer->length, 0, NULL);
    int64_t count = json_integer_value(json_object_get(object, "count"));
    int64_t first = member(object, "first");
    int64_t last = member(object, "last");
    int64_t increment = member(object, "increment");

    law_holds(strcmp(json_string_value(json_object_get(object, "sequence")), from->name) == 0);
    law_holds(count >= 1 && last == first + (count - 1) * increment);
    law_holds(from->increment == 0 || increment == from->increment);
    expect_number(from, first);
    from->next += last - first;
    json_decref(object);
    return (uint64_t)count;
}

/* Lines of numbers, as far as they were kept. Returns how many there are, or 0: too many. */
static uint64_t read_text(const struct false_answer *answer, struct given *from, uint64_t wanted)
{
    char *rest = NULL;
    uint64_t count = 0;

    if (answer->length > FALSE_HTTP_BODY_MAX) {
        /* All of one length: that of a counter, or of the time. */
        from->next += from->increment * (int64_t)wanted;
        return wanted;
    }
    law_holds(answer->length > 0 && answer->body[answer->length - 1] == '\n');
    for (char *line = strtok_r(answer->body, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        int64_t number = 0;
        law_holds(text_parse_int64(line, &number) == ERR_OK);
        expect_number(from, number);
        count++;
    }
    return count;
}

/* How many numbers were asked for. */
static uint64_t wanted_count(const struct false_request *request)
{
    const char *text = false_request_parameter(request, "count");
    char *end = NULL;

    if (text == NULL) {
        return 1;
    }
    errno = 0;
    uint64_t count = strtoull(text, &end, 10);
    law_holds(errno == 0 && *end == '\0' && strspn(text, "0123456789") == strlen(text));
    return count;
}

static uint64_t check_block(const struct false_request *request, const struct false_answer *answer,
                            struct given *from)
{
    const char *type = false_answer_header(answer, "Content-Type");
    uint64_t wanted = wanted_count(request);

    law_holds(type != NULL && wanted >= 1 && wanted <= FRONT_MAX_COUNT);
    uint64_t count = strcmp(type, "application/json") == 0 ? read_json(answer, from)
                                                           : read_text(answer, from, wanted);
    law_holds(count == wanted);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct false_request request;
    struct false_answer answer;
    uint64_t before = front_issued();
    uint64_t count = 0;

    false_request_read(&request, data, size);
    front_ask(&request, ACCESS_PEER_LOOPBACK, &answer);
    bool unread = answer.status == 414 || answer.status == 431;
    law_holds(unread || strstr(answer.body, UNKNOWN_PATH) != NULL || is_documented(request.path));
    struct given *from = drawn_from(request.path);
    if (from != NULL && answer.status == 200 && strcmp(request.method, "HEAD") != 0) {
        count = check_block(&request, &answer, from);
    }
    law_holds(front_issued() == before + count);
    false_answer_free(&answer);
    false_request_free(&request);
    return 0;
}
