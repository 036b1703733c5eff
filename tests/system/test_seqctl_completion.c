/* The completion of seqctl in a real bash. Run in the root of the source. */
#include "parrot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE \
    PARROT_JSON("200 OK", "{\"sequences\":[{\"name\":\"orders\"},{\"name\":\"orders.eu\"}]," \
                          "\"after\":null}")

/* The completions of a line whose last word the cursor is behind, with blanks between them. */
static void complete(const char *line, char *to, size_t size)
{
    char script[2048];
    (void)snprintf(script, sizeof script,
                   "bash -c 'source packaging/completion/seqctl || exit\n"
                   "COMP_WORDS=(\"$SEQCTL\" %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                   "_seqctl; echo \"${COMPREPLY[*]}\"'",
                   line);
    FILE *bash = popen(script, "r");
    assert_non_null(bash);
    size_t length = fread(to, 1, size - 1, bash);
    to[length] = '\0';
    assert_int_equal(pclose(bash), 0);
    assert_true(length > 0 && to[length - 1] == '\n');
    to[length - 1] = '\0';
}

static void expect(const char *line, const char *words)
{
    char completions[1024];
    complete(line, completions, sizeof completions);
    if (strcmp(completions, words) != 0) {
        fail_msg("'seqctl %s' is completed by '%s', not '%s'", line, completions, words);
    }
}

static void test_completion_knows_commands(void **state)
{
    (void)state;
    expect("sh", "show");
    expect("ne", "next");
    expect("--json cr", "create");
    expect("-u http://x al", "alter");
    expect("-s /x/y st", "status");
    expect("help dr", "drop");
    expect("xyz", "");
    expect("token \"\"", "new");
}

static void test_completion_knows_the_options_of_each_command(void **state)
{
    (void)state;
    expect("--so", "--socket");
    expect("create x --machine", "--machine-bits --machine-id");
    expect("create --st", "--start");
    expect("show --st", "");
    expect("advance x 5 --f", "--force");
    expect("alter x --max-", "--max-gap --max-borrow");
    expect("token new --e", "--expires");
}

static void test_completion_knows_the_words_of_options(void **state)
{
    (void)state;
    expect("create x --kind \"\"", "counter timestamp");
    expect("create x --kind = t", "timestamp");
    expect("create x --durability = \"\"", "lease every");
    expect("create x --durability =", "lease every");
    expect("token new --scope a", "admin");
    expect("create x --start \"\"", "");
    expect("-t docs/man/seqd.8", "docs/man/seqd.8.scd");
    expect("whois 5 --from docs/man/seqd.8", "docs/man/seqd.8.scd");
    expect("verify docs/man/seqd.8", "docs/man/seqd.8.scd");
    expect("verify x docs/man/seqd.8", "docs/man/seqd.8.scd");
}

static void test_completion_asks_the_server_for_names(void **state)
{
    (void)state;
    struct parrot *parrot = parrot_start(NULL, PAGE);
    char url[64];
    char line[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)parrot_port(parrot));
    assert_int_equal(setenv("SEQD_URL", url, 1), 0);
    expect("next ord", "orders orders.eu");
    expect("advance orders.", "orders.eu");
    expect("whois 5 orders.", "orders.eu");
    expect("drop -y \"\"", "orders orders.eu");
    expect("next orders \"\"", "");
    assert_int_equal(setenv("SEQD_URL", "http://127.0.0.1:1", 1), 0);
    expect("next ord", ""); /* nobody answers: no word, no noise */
    (void)snprintf(line, sizeof line, "-u %s show orders.e", url);
    expect(line, "orders.eu");
    char *heard = parrot_stop(parrot);
    assert_non_null(strstr(heard, "GET /v1/sequences?limit=1000&prefix=ord HTTP/1.1\r\n"));
    free(heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completion_knows_commands),
        cmocka_unit_test(test_completion_knows_the_options_of_each_command),
        cmocka_unit_test(test_completion_knows_the_words_of_options),
        cmocka_unit_test(test_completion_asks_the_server_for_names),
    };
    return cmocka_run_group_tests_name("seqctl_completion", tests, NULL, NULL);
}
