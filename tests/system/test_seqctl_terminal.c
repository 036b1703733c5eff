/* seqctl on a terminal: it asks before it harms, shows what happens, and gives the terminal back as
 * it was. */
#include "parrot.h"
#include "seqctl.h"
#include "stage.h"
#include "terminal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADVANCED PARROT_JSON("200 OK", "{\"name\":\"orders\",\"issued\":\"1\"}")
#define DROPPED PARROT_JSON("200 OK", "{\"name\":\"orders\",\"floor\":null}")
#define TAKEN "\033[?1049h"
#define GIVEN_BACK "\033[?7h\033[?25h\033[?1049l"

static void use_server(uint16_t port)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    assert_int_equal(setenv("SEQD_URL", url, 1), 0);
}

/* ---- asking ---- */

/* Run `line`, type `answer` at the question (NULL: none may come); how many bytes the server
 * heard. */
static size_t ask(const char *line, const char *served, const char *answer, int status,
                  const char *shown)
{
    struct parrot *parrot = parrot_start(NULL, served);
    use_server(parrot_port(parrot));
    struct terminal *terminal = terminal_open("SEQCTL", line, 24);
    if (answer != NULL) {
        terminal_await(terminal, "[y/N] ");
        terminal_type(terminal, answer);
    }
    terminal_await(terminal, shown);
    assert_int_equal(terminal_wait(terminal), status);
    assert_true(answer != NULL || strstr(terminal_shown(terminal), "[y/N]") == NULL);
    terminal_close(terminal);
    char *heard = parrot_stop(parrot);
    size_t length = strlen(heard);
    free(heard);
    return length;
}

static void test_seqctl_asks_before_it_goes_back(void **state)
{
    (void)state;
    assert_int_not_equal(ask("advance orders 5 --force", ADVANCED, "y\n", 0, "orders"), 0);
    assert_int_not_equal(ask("advance orders 5 --force", ADVANCED, "yes\n", 0, "orders"), 0);
    assert_int_equal(ask("advance orders 5 --force", ADVANCED, "n\n", 1, "nothing was changed"), 0);
    assert_int_equal(ask("advance orders 5 --force", ADVANCED, "\n", 1, "nothing was changed"), 0);
    assert_int_equal(ask("advance orders 5 --force", ADVANCED, "yy\n", 1, "nothing was changed"),
                     0);
    assert_int_equal(ask("advance orders 5 --force", ADVANCED, "\004", 1, "nothing was changed"),
                     0);
    assert_int_not_equal(ask("advance orders 5 --force --yes", ADVANCED, NULL, 0, "orders"), 0);
    assert_int_not_equal(ask("advance orders 5", ADVANCED, NULL, 0, "orders"), 0);
}

static void test_seqctl_asks_before_it_drops(void **state)
{
    (void)state;
    assert_int_not_equal(ask("drop orders", DROPPED, "y\n", 0, "'orders' is dropped"), 0);
    assert_int_equal(ask("drop orders", DROPPED, "no\n", 1, "nothing was changed"), 0);
    assert_int_not_equal(ask("drop orders -y", DROPPED, NULL, 0, "'orders' is dropped"), 0);
}

/* ---- top ---- */

static void test_seqctl_top_shows_rates_until_q(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:busy]\n[sequence:calm]\n");
    use_server(stage.port);
    struct terminal *terminal = terminal_open("SEQCTL", "top -i 0.1", 24);
    terminal_await(terminal, TAKEN);
    terminal_await(terminal, "2 sequences, every 0.100 s, q ends");
    terminal_await(terminal, "SEQUENCE  PER SECOND");
    assert_false(terminal_is_cooked(terminal));
    assert_false(terminal_can_stop(terminal)); /* the shell would be left on our page */
    seqctl_expect(stage.port, "next busy 1234", 0, NULL, NULL);
    terminal_await(terminal, "1,234");
    terminal_type(terminal, "x"); /* another key does nothing */
    terminal_await(terminal, "q ends");
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_await(terminal, GIVEN_BACK);
    assert_true(terminal_is_cooked(terminal));
    terminal_close(terminal);
    stage_close(&stage);
}

static void test_seqctl_top_gives_the_terminal_back_after_signals(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGHUP, SIGQUIT, SIGINT};
    struct stage stage = stage_open(NULL);
    use_server(stage.port);
    for (size_t i = 0; i <= sizeof signals / sizeof signals[0]; i++) {
        struct terminal *terminal = terminal_open("SEQCTL", "top", 24);
        terminal_await(terminal, "q ends");
        if (i < sizeof signals / sizeof signals[0]) {
            terminal_signal(terminal, signals[i]);
        } else {
            terminal_type(terminal, "\003"); /* ^C, as the terminal's own driver makes of it */
        }
        assert_int_equal(terminal_wait(terminal), 0);
        terminal_await(terminal, GIVEN_BACK);
        assert_true(terminal_is_cooked(terminal));
        terminal_close(terminal);
    }
    stage_close(&stage);
}

static void test_seqctl_top_keeps_to_the_window(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n[sequence:b]\n[sequence:c]\n");
    use_server(stage.port);
    struct terminal *terminal = terminal_open("SEQCTL", "top -i 3600", 6);
    terminal_await(terminal, "\na ");
    terminal_await(terminal, "\033[J"); /* the end of the frame */
    assert_null(strstr(terminal_shown(terminal), "\nb "));
    terminal_resize(terminal, 8);
    terminal_await(terminal, "\na ");
    terminal_await(terminal, "\nc ");
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    stage_close(&stage);
}

static void test_seqctl_top_waits_for_a_server_that_went_away(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    use_server(stage.port);
    struct terminal *terminal = terminal_open("SEQCTL", "top -i 0.1", 24);
    terminal_await(terminal, "requests/s");
    stage_stop(&stage);
    terminal_await(terminal, "no server answers at");
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    assert_true(terminal_is_cooked(terminal));
    terminal_close(terminal);
    stage_close(&stage);
}

static void test_seqctl_top_ends_after_its_rounds(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    use_server(stage.port);
    struct terminal *terminal = terminal_open("SEQCTL", "top -i 0.1 -r 3", 24);
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_await(terminal, GIVEN_BACK);
    terminal_close(terminal);
    stage_close(&stage);
}

/* A failure before there is anything to show is told as everywhere, on an untouched terminal. */
static void test_seqctl_top_takes_no_screen_without_a_server(void **state)
{
    (void)state;
    use_server(1);
    struct terminal *terminal = terminal_open("SEQCTL", "top", 24);
    assert_int_equal(terminal_wait(terminal), 3);
    terminal_await(terminal, "no server answers at");
    assert_null(strstr(terminal_shown(terminal), TAKEN));
    terminal_close(terminal);
}

/* ---- bench ---- */

static void test_seqctl_bench_draws_a_bar(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    use_server(stage.port);
    struct terminal *terminal = terminal_open("SEQCTL", "bench -c 2 -d 3600", 24);
    terminal_await(terminal, "\r[");
    terminal_await(terminal, "%");
    terminal_await(terminal, "requests a second");
    terminal_type(terminal, "\003"); /* ^C ends the load, and the figures still come */
    terminal_await(terminal, "every number came once");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_asks_before_it_goes_back),
        cmocka_unit_test(test_seqctl_asks_before_it_drops),
        cmocka_unit_test(test_seqctl_top_shows_rates_until_q),
        cmocka_unit_test(test_seqctl_top_gives_the_terminal_back_after_signals),
        cmocka_unit_test(test_seqctl_top_keeps_to_the_window),
        cmocka_unit_test(test_seqctl_top_waits_for_a_server_that_went_away),
        cmocka_unit_test(test_seqctl_top_ends_after_its_rounds),
        cmocka_unit_test(test_seqctl_top_takes_no_screen_without_a_server),
        cmocka_unit_test(test_seqctl_bench_draws_a_bar),
    };
    return cmocka_run_group_tests_name("seqctl_terminal", tests, NULL, NULL);
}
