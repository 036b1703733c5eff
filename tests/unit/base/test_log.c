#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITERS 4
#define LINES_OF_WRITER 500
#define PACKET_SIZE 4096

/* Standard error while a line is logged: a pipe in packet mode, of which each read() returns what
 * one write(2) wrote. */
struct capture {
    int reader;
    int real;
};

static struct capture capture_begin(void)
{
    int ends[2];
    struct capture capture;
    (void)fflush(stderr); /* what is left in it is no concern of this test */
    assert_int_equal(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
    capture.reader = ends[0];
    capture.real = dup(STDERR_FILENO);
    assert_true(capture.real >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(ends[1]), 0);
    return capture;
}

/* Standard error is itself again; the pipe holds what was written, and then ends. */
static void capture_end(struct capture *capture)
{
    assert_int_equal(dup2(capture->real, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(capture->real), 0);
}

/* What the next write(2) wrote, as a string; its length, or 0 when there is no more. */
static size_t next_packet(struct capture *capture, char packet[PACKET_SIZE])
{
    ssize_t got = read(capture->reader, packet, PACKET_SIZE - 1);
    packet[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

/* Expect exactly `lines`, each by one write, and nothing after them. */
static void expect_lines(struct capture *capture, const char *const *lines, size_t count)
{
    char packet[PACKET_SIZE];
    for (size_t i = 0; i < count; i++) {
        (void)next_packet(capture, packet); /* "" where there is none, which differs */
        assert_string_equal(packet, lines[i]);
    }
    assert_int_equal(next_packet(capture, packet), 0);
    assert_int_equal(close(capture->reader), 0);
}

static void log_all_levels(void)
{
    log_error("an error");
    log_warning("a warning");
    log_notice("a notice");
    log_info("an info");
    log_debug("a debug");
}

/* A letter that the locale does not have makes a text that cannot be written: not half a line. */
static void test_log_leaves_out_what_cannot_be_text(void **state)
{
    (void)state;
    const char *const lines[] = {"<3>an error\n"};
    struct capture capture = capture_begin();
    log_error("%s: %ls", "half", L"\x20ac");
    log_error("an error");
    capture_end(&capture);
    expect_lines(&capture, lines, 1);
}

/* Comes first: it sees the process as it starts. */
static void test_log_starts_at_info_with_the_prefix_on(void **state)
{
    (void)state;
    const char *const lines[] = {"<3>an error\n", "<4>a warning\n", "<5>a notice\n",
                                 "<6>an info\n"};
    struct capture capture = capture_begin();
    log_all_levels();
    capture_end(&capture);
    expect_lines(&capture, lines, 4);
}

static void test_log_drops_what_is_less_urgent_than_the_level(void **state)
{
    (void)state;
    const char *const lines[] = {"<3>an error\n", "<4>a warning\n", "<5>a notice\n", "<6>an info\n",
                                 "<7>a debug\n"};
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        struct capture capture = capture_begin();
        log_set_level((enum log_level)level);
        log_all_levels();
        log_set_level(LOG_LEVEL_INFO);
        capture_end(&capture);
        expect_lines(&capture, lines, (size_t)(level - LOG_LEVEL_ERROR + 1));
    }
}

static void test_log_has_no_prefix_when_it_is_off(void **state)
{
    (void)state;
    const char *const lines[] = {"an error\n", "<3>an error\n"};
    struct capture capture = capture_begin();
    log_set_prefix(0);
    log_error("an error");
    log_set_prefix(1);
    log_error("an error");
    capture_end(&capture);
    expect_lines(&capture, lines, 2);
}

static void test_log_formats_as_printf_does(void **state)
{
    (void)state;
    const char *const lines[] = {"<4>'orders' has -5 of 7 %\n", "<4>\n"};
    struct capture capture = capture_begin();
    log_warning("'%s' has %d of %u %%", "orders", -5, 7U);
    log_warning("%s", "");
    capture_end(&capture);
    expect_lines(&capture, lines, 2);
}

/* Every byte but NUL in one line: those below space become '?', all others stay. */
static void test_log_replaces_bytes_below_space(void **state)
{
    (void)state;
    char text[256];
    char expected[260] = "<6>";
    for (int byte = 1; byte <= 255; byte++) {
        text[byte - 1] = (char)byte;
        expected[2 + byte] = byte < ' ' ? '?' : (char)byte;
    }
    text[255] = '\0';
    expected[258] = '\n';
    const char *const lines[] = {expected};
    struct capture capture = capture_begin();
    log_info("%s", text);
    capture_end(&capture);
    expect_lines(&capture, lines, 1);
}

static void test_log_writes_no_second_line_for_a_client(void **state)
{
    (void)state;
    const char *const lines[] = {"<6>name 'a?<3>all is lost?'\n"};
    struct capture capture = capture_begin();
    log_info("name '%s'", "a\n<3>all is lost\n");
    capture_end(&capture);
    expect_lines(&capture, lines, 1);
}

/* Texts around the limit: a line has LOG_LINE_SIZE bytes at most, its end counted and the prefix
 * not. */
static void test_log_cuts_a_line_at_its_size(void **state)
{
    (void)state;
    for (int prefix = 0; prefix <= 1; prefix++) {
        for (int length = LOG_LINE_SIZE - 3; length < LOG_LINE_SIZE + 5; length++) {
            char text[LOG_LINE_SIZE + 8];
            char expected[LOG_LINE_SIZE + 16];
            memset(text, 'x', sizeof text);
            int kept = length < LOG_LINE_SIZE ? length : LOG_LINE_SIZE - 1;
            (void)snprintf(expected, sizeof expected, "%s%.*s\n", prefix ? "<6>" : "", kept, text);
            const char *const lines[] = {expected};
            struct capture capture = capture_begin();
            log_set_prefix(prefix);
            log_info("%.*s", length, text);
            log_set_prefix(1);
            capture_end(&capture);
            expect_lines(&capture, lines, 1);
        }
    }
}

/* Writes lines that are all one letter, its own. */
static void *write_lines(void *argument)
{
    char text[600];
    memset(text, *(const char *)argument, sizeof text);
    for (int i = 0; i < LINES_OF_WRITER; i++) {
        log_info("%.*s", 1 + i, text);
    }
    return NULL;
}

struct reading {
    struct capture *capture;
    int whole[WRITERS]; /* lines that came whole, and in their writer's order */
    int torn;
};

/* Reads all there is: "<6>", one letter throughout, and the end; the i-th line of its writer has i
 * letters. */
static void *read_lines(void *argument)
{
    struct reading *reading = argument;
    char packet[PACKET_SIZE];
    for (;;) {
        size_t length = next_packet(reading->capture, packet);
        if (length == 0) {
            return NULL;
        }
        size_t same = length > 3 ? strspn(packet + 3, (char[]){packet[3], '\0'}) : 0;
        int writer = length > 3 ? packet[3] - 'a' : -1;
        if (writer < 0 || writer >= WRITERS || same + 4 != length || packet[length - 1] != '\n' ||
            same != (size_t)++reading->whole[writer]) {
            reading->torn++;
        }
    }
}

static void test_log_never_mixes_lines_of_several_threads(void **state)
{
    (void)state;
    char letters[WRITERS] = {'a', 'b', 'c', 'd'};
    pthread_t writers[WRITERS];
    pthread_t reader;
    struct capture capture = capture_begin();
    struct reading reading = {.capture = &capture};
    assert_int_equal(pthread_create(&reader, NULL, read_lines, &reading), 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_lines, &letters[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    }
    capture_end(&capture);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(close(capture.reader), 0);
    assert_int_equal(reading.torn, 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(reading.whole[i], LINES_OF_WRITER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_starts_at_info_with_the_prefix_on),
        cmocka_unit_test(test_log_drops_what_is_less_urgent_than_the_level),
        cmocka_unit_test(test_log_has_no_prefix_when_it_is_off),
        cmocka_unit_test(test_log_formats_as_printf_does),
        cmocka_unit_test(test_log_leaves_out_what_cannot_be_text),
        cmocka_unit_test(test_log_replaces_bytes_below_space),
        cmocka_unit_test(test_log_writes_no_second_line_for_a_client),
        cmocka_unit_test(test_log_cuts_a_line_at_its_size),
        cmocka_unit_test(test_log_never_mixes_lines_of_several_threads),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
