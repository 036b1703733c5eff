/* A build with GRPC=no: it starts nothing, says so, and bears that there is nothing. */
#include "front/grpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_grpc_absent_says_that_it_was_not_built(void **state)
{
    struct grpc_options options = {.listen = {.count = 1, .items = {{.address = "127.0.0.1"}}}};
    struct grpc *grpc = NULL;
    struct error_detail detail = {""};

    (void)state;
    assert_false(grpc_built());
    assert_int_equal(grpc_start(&options, NULL, &grpc, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "built without gRPC"));
    assert_null(grpc);
}

static void test_grpc_absent_bears_that_there_is_nothing(void **state)
{
    struct grpc_options options = {.listen = {.count = 0}};
    char *text = NULL;
    size_t length = 0;
    FILE *page = open_memstream(&text, &length);

    (void)state;
    assert_non_null(page);
    grpc_alter(NULL, &options);
    assert_int_equal(grpc_drain(NULL, 1000), 0);
    assert_int_equal(grpc_overdue_ns(NULL, (struct instant){.ns = UINT64_MAX}), 0);
    grpc_metrics(NULL, page);
    grpc_stop(NULL);
    assert_int_equal(fclose(page), 0);
    assert_int_equal(length, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc_absent_says_that_it_was_not_built),
        cmocka_unit_test(test_grpc_absent_bears_that_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
