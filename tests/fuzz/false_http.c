#include "false_http.h"

#include "law.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PIECE_BYTES 1000 /* in which an answer is fetched */

struct MHD_Connection {
    const struct false_request *request;
    unsigned status;
    struct MHD_Response *response; /* NULL: none is queued */
    union MHD_ConnectionInfo info;
    pthread_mutex_t lock;
    pthread_cond_t resumed;
    bool slept;     /* it was suspended, since somebody asked */
    bool suspended; /* lock */
};

struct MHD_Response {
    unsigned owners;
    uint64_t length;
    const char *bytes;
    char *owned; /* the same, when it was copied */
    MHD_ContentReaderCallback read;
    MHD_ContentReaderFreeCallback release;
    void *context;
    size_t header_count;
    char *names[FALSE_HTTP_HEADERS_MAX];
    char *values[FALSE_HTTP_HEADERS_MAX];
};

/* ---- the request ---- */

static void add_entry(struct false_request *request, enum MHD_ValueKind kind, const char *name,
                      const char *value)
{
    if (request->entry_count < FALSE_HTTP_ENTRIES_MAX) {
        request->entries[request->entry_count++] = (struct false_entry){kind, name, value};
    }
}

/* Cut what stands before `separator` off `*rest`, which is NULL behind the last piece. */
static char *next(char **rest, char separator)
{
    char *piece = *rest;
    char *end = strchr(piece, separator);

    *rest = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    return piece;
}

/* As libmicrohttpd does: a '+' of a query becomes a blank before anything is unescaped. */
static void read_query(struct false_request *request, char *query)
{
    for (char *c = query; *c != '\0'; c++) {
        *c = *c == '+' ? ' ' : *c;
    }
    while (query != NULL && *query != '\0') {
        char *value = next(&query, '&');
        char *name = next(&value, '=');
        add_entry(request, MHD_GET_ARGUMENT_KIND, name, value);
    }
}

static void read_header(struct false_request *request, char *line)
{
    char *value = line;
    char *name = next(&value, ':');

    if (value != NULL) {
        value += strspn(value, " \t");
        size_t length = strlen(value);
        while (length > 0 && strchr(" \t\r", value[length - 1]) != NULL) {
            value[--length] = '\0';
        }
        add_entry(request, MHD_HEADER_KIND, name, value);
    }
}

void false_request_read(struct false_request *request, const uint8_t *data, size_t size)
{
    static const char blank[] = "\n\n";
    const uint8_t *end = size > 0 ? memmem(data, size, blank, sizeof blank - 1) : NULL;
    size_t head = end != NULL ? (size_t)(end - data) : size;

    *request = (struct false_request){.text = law_text(data, size)};
    request->text[head] = '\0';
    request->body = request->text + (end != NULL ? head + 2 : head);
    request->body_length = end != NULL ? size - head - 2 : 0;

    char *rest = request->text;
    char *line = next(&rest, '\n');
    request->method = next(&line, ' ');
    char *target = line != NULL ? next(&line, ' ') : request->text + head;
    request->target = law_text(target, strlen(target));
    char *query = target;
    request->path = next(&query, '?');
    if (query != NULL) {
        read_query(request, query);
    }
    while (rest != NULL) {
        read_header(request, next(&rest, '\n'));
    }
}

void false_request_free(struct false_request *request)
{
    free((void *)(uintptr_t)request->target);
    free(request->text);
}

const char *false_request_parameter(const struct false_request *request, const char *name)
{
    const char *found = NULL;
    unsigned times = 0;

    for (size_t i = 0; i < request->entry_count; i++) {
        const struct false_entry *entry = &request->entries[i];
        if (entry->kind == MHD_GET_ARGUMENT_KIND && strcmp(entry->name, name) == 0) {
            found = entry->value;
            times++;
        }
    }
    return times == 1 ? found : NULL;
}

/* ---- the connection ---- */

struct MHD_Connection *false_connection_new(const struct false_request *request)
{
    struct MHD_Connection *connection = calloc(1, sizeof *connection);

    law_holds(connection != NULL);
    connection->request = request;
    law_holds(pthread_mutex_init(&connection->lock, NULL) == 0);
    law_holds(pthread_cond_init(&connection->resumed, NULL) == 0);
    return connection;
}

void false_connection_free(struct MHD_Connection *connection)
{
    (void)pthread_cond_destroy(&connection->resumed); /* nobody waits */
    (void)pthread_mutex_destroy(&connection->lock);   /* nobody holds it */
    free(connection);
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
    law_holds(!connection->slept && connection->response == NULL);
    connection->slept = true;
    connection->suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
    (void)pthread_mutex_lock(&connection->lock); /* fails only for our own bugs */
    law_holds(connection->suspended);
    connection->suspended = false;
    (void)pthread_cond_signal(&connection->resumed);
    (void)pthread_mutex_unlock(&connection->lock);
}

bool false_connection_wait(struct MHD_Connection *connection)
{
    (void)pthread_mutex_lock(&connection->lock); /* as above */
    while (connection->suspended) {
        (void)pthread_cond_wait(&connection->resumed, &connection->lock);
    }
    (void)pthread_mutex_unlock(&connection->lock);
    bool slept = connection->slept;
    connection->slept = false;
    return slept;
}

int MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                              MHD_KeyValueIterator iterator, void *context)
{
    const struct false_request *request = connection->request;
    int count = 0;

    for (size_t i = 0; i < request->entry_count; i++) {
        const struct false_entry *entry = &request->entries[i];
        if ((entry->kind & kind) != 0) {
            count++;
            if (iterator(context, entry->kind, entry->name, entry->value) != MHD_YES) {
                break;
            }
        }
    }
    return count;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                        const char *key)
{
    const struct false_request *request = connection->request;

    for (size_t i = 0; i < request->entry_count; i++) {
        const struct false_entry *entry = &request->entries[i];
        if ((entry->kind & kind) != 0 && strcasecmp(entry->name, key) == 0) {
            return entry->value;
        }
    }
    return NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType type, ...)
{
    static struct sockaddr_in address = {.sin_family = AF_INET};

    if (type == MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE) {
        connection->info.header_size =
            (size_t)(connection->request->body - connection->request->text);
    } else if (type == MHD_CONNECTION_INFO_CLIENT_ADDRESS) {
        connection->info.client_addr = (struct sockaddr *)&address;
    } else {
        law_broken(__FILE__, __LINE__, "nothing else is asked of a connection");
    }
    return &connection->info;
}

/* ---- responses ---- */

static struct MHD_Response *new_response(uint64_t length)
{
    struct MHD_Response *response = calloc(1, sizeof *response);

    law_holds(response != NULL);
    response->owners = 1;
    response->length = length;
    return response;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
                                                     enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = new_response(size);

    law_holds(mode == MHD_RESPMEM_MUST_COPY || mode == MHD_RESPMEM_PERSISTENT);
    if (mode == MHD_RESPMEM_MUST_COPY) {
        response->owned = law_text(buffer, size);
    }
    response->bytes = response->owned != NULL ? response->owned : buffer;
    return response;
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block_size,
                                                       MHD_ContentReaderCallback read,
                                                       void *context,
                                                       MHD_ContentReaderFreeCallback release)
{
    struct MHD_Response *response = new_response(size);

    (void)block_size;
    response->read = read;
    response->release = release;
    response->context = context;
    return response;
}

void MHD_destroy_response(struct MHD_Response *response)
{
    if (--response->owners > 0) {
        return;
    }
    if (response->release != NULL) {
        response->release(response->context);
    }
    for (size_t i = 0; i < response->header_count; i++) {
        free(response->names[i]);
        free(response->values[i]);
    }
    free(response->owned);
    free(response);
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *name,
                                        const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        law_holds((unsigned char)*c >= ' ' && *c != 0x7F);
    }
    law_holds(response->header_count < FALSE_HTTP_HEADERS_MAX);
    response->names[response->header_count] = law_text(name, strlen(name));
    response->values[response->header_count++] = law_text(value, strlen(value));
    return MHD_YES;
}

enum MHD_Result MHD_set_response_options(struct MHD_Response *response,
                                         enum MHD_ResponseFlags flags, ...)
{
    (void)response;
    (void)flags;
    return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response)
{
    law_holds(connection->response == NULL && !connection->slept);
    response->owners++;
    connection->response = response;
    connection->status = status;
    return MHD_YES;
}

/* ---- the answer ---- */

/* Fetch what is read piece by piece, to its end or to its length. */
static void fetch(struct MHD_Response *response, struct false_answer *answer)
{
    char piece[PIECE_BYTES];
    bool known = response->length != MHD_SIZE_UNKNOWN;

    answer->body = calloc(1, FALSE_HTTP_BODY_MAX + 1);
    law_holds(answer->body != NULL);
    while (!known || answer->length < response->length) {
        ssize_t got = response->read(response->context, answer->length, piece, sizeof piece);
        if (got == MHD_CONTENT_READER_END_OF_STREAM) {
            break;
        }
        law_holds(got > 0 && (size_t)got <= sizeof piece);
        if (answer->length + (size_t)got <= FALSE_HTTP_BODY_MAX) {
            memcpy(answer->body + answer->length, piece, (size_t)got);
        }
        answer->length += (size_t)got;
    }
    /* The length that was announced is the length that comes. */
    law_holds(!known || answer->length == response->length);
    law_holds(!known || response->read(response->context, answer->length, piece, sizeof piece) ==
                            MHD_CONTENT_READER_END_OF_STREAM);
}

void false_connection_answer(struct MHD_Connection *connection, struct false_answer *ret_answer)
{
    struct MHD_Response *response = connection->response;

    *ret_answer = (struct false_answer){.status = connection->status};
    if (response == NULL) {
        return;
    }
    if (response->read != NULL) {
        fetch(response, ret_answer);
    } else {
        size_t kept =
            response->length < FALSE_HTTP_BODY_MAX ? response->length : FALSE_HTTP_BODY_MAX;
        ret_answer->body = law_text(response->bytes, kept);
        ret_answer->length = response->length;
    }
    ret_answer->header_count = response->header_count;
    for (size_t i = 0; i < response->header_count; i++) {
        ret_answer->headers[i].name = response->names[i];
        ret_answer->headers[i].value = response->values[i];
    }
    response->header_count = 0;
    MHD_destroy_response(response);
    connection->response = NULL;
}

void false_answer_free(struct false_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].name);
        free(answer->headers[i].value);
    }
    free(answer->body);
}

const char *false_answer_header(const struct false_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcasecmp(answer->headers[i].name, name) == 0) {
            return answer->headers[i].value;
        }
    }
    return NULL;
}
