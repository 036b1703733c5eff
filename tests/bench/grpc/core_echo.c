/* core_echo: what `make bench-grpc` compares with: gRPC C-core answering every call with the
 * message that it brought, with a completion queue and a thread for each processor. Built by
 * grpc.sh.
 *
 *   core_echo PORT THREADS */
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 64
#define CALLS_WANTED 256 /* that each queue asks for ahead */

struct call {
    grpc_completion_queue *queue;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message;
    int cancelled;
    int answered;
};

static grpc_server *server;
static void *method;

static void ask_for_one(grpc_completion_queue *queue)
{
    struct call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        abort();
    }
    call->queue = queue;
    grpc_metadata_array_init(&call->metadata);
    if (grpc_server_request_registered_call(server, method, &call->call, &call->deadline,
                                            &call->metadata, &call->message, queue, queue,
                                            call) != GRPC_CALL_OK) {
        abort();
    }
}

static void answer(struct call *call)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                      {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};

    ops[1].data.send_message.send_message = call->message;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    ops[3].data.recv_close_on_server.cancelled = &call->cancelled;
    call->answered = 1;
    if (grpc_call_start_batch(call->call, ops, 4, call, NULL) != GRPC_CALL_OK) {
        abort();
    }
}

static void *serve(void *argument)
{
    grpc_completion_queue *queue = argument;

    for (int i = 0; i < CALLS_WANTED; i++) {
        ask_for_one(queue);
    }
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        struct call *call = event.tag;

        if (event.type != GRPC_OP_COMPLETE) {
            return NULL;
        }
        if (!call->answered) {
            ask_for_one(queue);
            answer(call);
        } else {
            grpc_byte_buffer_destroy(call->message);
            grpc_metadata_array_destroy(&call->metadata);
            grpc_call_unref(call->call);
            free(call);
        }
    }
}

int main(int argc, char **argv)
{
    grpc_completion_queue *queues[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    char address[64];
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

    if (count < 1 || count > THREADS_MAX) {
        fputs("core_echo PORT THREADS\n", stderr);
        return 2;
    }
    grpc_init();
    server = grpc_server_create(NULL, NULL);
    method = grpc_server_register_method(server, "/seqd.v1.SequenceService/Next", NULL,
                                         GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    for (long i = 0; i < count; i++) {
        queues[i] = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server, queues[i], NULL);
    }
    snprintf(address, sizeof address, "127.0.0.1:%.8s", argv[1]);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    if (!grpc_server_add_http2_port(server, address, credentials)) {
        return 1;
    }
    grpc_server_credentials_release(credentials);
    grpc_server_start(server);
    for (long i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, serve, queues[i]) != 0) {
            return 1;
        }
    }
    pthread_join(threads[0], NULL);
    return 0;
}
