/* What the log says of a change, and of who has asked for it. */
#include "front/change_log.h"
#include "front/peer.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[LOG_LINE_SIZE];
static enum log_level said_at;

__attribute__((format(printf, 2, 3))) void __wrap_log_line(enum log_level level, const char *format,
                                                           ...);

void __wrap_log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;

    said_at = level;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
}

static void expect(struct admin_request admin, enum log_level level, const char *line)
{
    snprintf(admin.name, sizeof admin.name, "orders");
    change_log(&admin, "somebody over gRPC");
    assert_string_equal(said, line);
    assert_int_equal(said_at, level);
}

static void test_change_log_says_what_was_done(void **state)
{
    (void)state;
    expect((struct admin_request){.action = ADMIN_CREATE, .created = true}, LOG_LEVEL_NOTICE,
           "sequence 'orders': created by somebody over gRPC");
    expect((struct admin_request){.action = ADMIN_CREATE}, LOG_LEVEL_NOTICE,
           "sequence 'orders': found as it was to be created by somebody over gRPC");
    expect((struct admin_request){.action = ADMIN_ALTER}, LOG_LEVEL_NOTICE,
           "sequence 'orders': altered by somebody over gRPC");
    expect((struct admin_request){.action = ADMIN_ADVANCE}, LOG_LEVEL_NOTICE,
           "sequence 'orders': advanced by somebody over gRPC");
    expect((struct admin_request){.action = ADMIN_DROP}, LOG_LEVEL_NOTICE,
           "sequence 'orders': dropped by somebody over gRPC");
    expect((struct admin_request){.action = ADMIN_BACKUP}, LOG_LEVEL_NOTICE,
           "backed up by somebody over gRPC");
}

/* The ledger is read by the way of a change, and changes nothing. */
static void test_change_log_says_nothing_of_who_only_reads(void **state)
{
    struct admin_request admin = {.action = ADMIN_LEDGER};

    (void)state;
    said[0] = '\0';
    change_log(&admin, "somebody");
    assert_string_equal(said, "");
}

/* Numbers that may come again are worth a warning. */
static void test_change_log_warns_of_a_way_back(void **state)
{
    (void)state;
    expect(
        (struct admin_request){
            .action = ADMIN_ADVANCE, .rewound = true, .repeat_first = 11, .repeat_last = 1001},
        LOG_LEVEL_WARNING,
        "sequence 'orders': moved backward by somebody over gRPC, numbers from 11 to 1001 may "
        "come again, as was forced");
}

static void test_change_log_says_what_was_refused(void **state)
{
    (void)state;
    expect((struct admin_request){.action = ADMIN_DROP,
                                  .error = ERR_NOT_FOUND,
                                  .detail = {.text = "none"}},
           LOG_LEVEL_NOTICE,
           "sequence 'orders': somebody over gRPC wanted to drop it, which was refused (not found: "
           "none)");
    expect((struct admin_request){.action = ADMIN_BACKUP,
                                  .error = ERR_IO,
                                  .detail = {.text = "the disk"}},
           LOG_LEVEL_NOTICE,
           "somebody over gRPC wanted a backup, which was refused (input/output error: the disk)");
}

static void test_peer_is_named_as_one_would_write_it(void **state)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(4242)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
    struct sockaddr unknown = {.sa_family = AF_UNSPEC};
    char to[PEER_SIZE];

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &four.sin_addr), 1);
    peer_write((struct sockaddr *)&four, to);
    assert_string_equal(to, "192.0.2.7:4242");
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr), 1);
    peer_write((struct sockaddr *)&six, to);
    assert_string_equal(to, "[2001:db8::1]:1");
    peer_write(&unknown, to);
    assert_string_equal(to, "an unknown client");
    peer_write(NULL, to);
    assert_string_equal(to, "an unknown client");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change_log_says_what_was_done),
        cmocka_unit_test(test_change_log_says_nothing_of_who_only_reads),
        cmocka_unit_test(test_change_log_warns_of_a_way_back),
        cmocka_unit_test(test_change_log_says_what_was_refused),
        cmocka_unit_test(test_peer_is_named_as_one_would_write_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
