#include "grpc_reflection.h"

#include "grpc_counters.h"
#include "grpc_descriptor.h"
#include "grpc_reply.h"

#include <assert.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <stdio.h>

/* The kinds of requests, by shorter names than protoc-c gives them. */
#define ASKS(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind
#define ANSWERS(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##kind

#define SERVICES_MAX 8
#define NAME_SIZE 128

/* The answer to one request, with all that it points to. */
struct answer {
    Grpc__Reflection__V1__ServerReflectionResponse response;
    Grpc__Reflection__V1__ListServiceResponse list;
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX];
    Grpc__Reflection__V1__ServiceResponse *service_list[SERVICES_MAX];
    char names[SERVICES_MAX][NAME_SIZE];
    Grpc__Reflection__V1__FileDescriptorResponse files;
    ProtobufCBinaryData file;
    Grpc__Reflection__V1__ErrorResponse error;
};

static void add_service(void *context, const char *name)
{
    struct answer *answer = context;
    size_t at = answer->list.n_service++;

    assert(at < SERVICES_MAX);
    int length = snprintf(answer->names[at], NAME_SIZE, "%s", name);
    assert(length > 0 && length < NAME_SIZE);
    grpc__reflection__v1__service_response__init(&answer->services[at]);
    answer->services[at].name = answer->names[at];
    answer->service_list[at] = &answer->services[at];
}

static void answer_list(struct answer *answer)
{
    grpc__reflection__v1__list_service_response__init(&answer->list);
    answer->list.service = answer->service_list;
    grpc_descriptor_services(add_service, answer);
    answer->response.message_response_case = ANSWERS(LIST_SERVICES_RESPONSE);
    answer->response.list_services_response = &answer->list;
}

static void answer_error(struct answer *answer, enum grpc_code code, const char *text)
{
    grpc__reflection__v1__error_response__init(&answer->error);
    answer->error.error_code = (int32_t)code;
    answer->error.error_message = (char *)(uintptr_t)text;
    answer->response.message_response_case = ANSWERS(ERROR_RESPONSE);
    answer->response.error_response = &answer->error;
}

/* No file of ours imports another, so one file is always enough. */
static void answer_file(struct answer *answer, bool found, const struct grpc_file *file)
{
    if (!found) {
        answer_error(answer, GRPC_NOT_FOUND, "there is no such file or symbol");
        return;
    }
    grpc__reflection__v1__file_descriptor_response__init(&answer->files);
    answer->file =
        (ProtobufCBinaryData){.len = file->length, .data = (uint8_t *)(uintptr_t)file->bytes};
    answer->files.n_file_descriptor_proto = 1;
    answer->files.file_descriptor_proto = &answer->file;
    answer->response.message_response_case = ANSWERS(FILE_DESCRIPTOR_RESPONSE);
    answer->response.file_descriptor_response = &answer->files;
}

static void choose_answer(struct answer *answer,
                          const Grpc__Reflection__V1__ServerReflectionRequest *request)
{
    struct grpc_file file = {.length = 0};

    switch (request->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
        answer_file(answer, grpc_descriptor_by_name(request->file_by_filename, &file), &file);
        return;
    case ASKS(FILE_CONTAINING_SYMBOL):
        answer_file(answer, grpc_descriptor_by_symbol(request->file_containing_symbol, &file),
                    &file);
        return;
    case ASKS(LIST_SERVICES):
        answer_list(answer);
        return;
    case ASKS(FILE_CONTAINING_EXTENSION):
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        answer_error(answer, GRPC_NOT_FOUND, "no message here has extensions");
        return;
    default: /* a generated enum: not set, or a value that protobuf-c adds */
        answer_error(answer, GRPC_INVALID_ARGUMENT, "the request asks for nothing");
        return;
    }
}

/* Every text of the request goes back in the answer, so all must be what was sent. */
static bool is_whole(const struct grpc_arena *arena,
                     const Grpc__Reflection__V1__ServerReflectionRequest *request)
{
    const char *text = "";

    switch (request->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
    case ASKS(FILE_CONTAINING_SYMBOL):
    case ASKS(LIST_SERVICES):
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        text = request->file_by_filename; /* all of them lie in the same place */
        break;
    case ASKS(FILE_CONTAINING_EXTENSION):
        text = request->file_containing_extension->containing_type;
        break;
    default: /* as above */
        break;
    }
    return grpc_arena_text_is_whole(arena, request->host) && grpc_arena_text_is_whole(arena, text);
}

static void reflection_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    struct grpc_arena *arena = &call->connection->loop->arena;
    struct answer answer;
    Grpc__Reflection__V1__ServerReflectionRequest *request = grpc_arena_unpack(
        arena, &grpc__reflection__v1__server_reflection_request__descriptor, bytes, length);

    if (request == NULL || !is_whole(arena, request)) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no ServerReflectionRequest");
        return;
    }
    grpc__reflection__v1__server_reflection_response__init(&answer.response);
    answer.response.valid_host = request->host;
    answer.response.original_request = request;
    choose_answer(&answer, request);
    grpc_reply(call, &answer.response.base);
}

static void reflection_leave(struct grpc_call *call)
{
    call->leaving = true;
    grpc_call_resume(call);
}

const struct grpc_method grpc_reflection_method = {
    .path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    .index = GRPC_METHOD_REFLECTION,
    .streams = true,
    .message = reflection_message,
    .leave = reflection_leave,
};

const struct grpc_method grpc_reflection_alpha_method = {
    .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    .index = GRPC_METHOD_REFLECTION_ALPHA,
    .streams = true,
    .message = reflection_message,
    .leave = reflection_leave,
};
