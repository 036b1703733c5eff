/* docs/KINDS.md says how long each layout lasts: so it does. `make` runs tests where the project
 * begins. */
#include "base/layout.h"
#include "base/rfc3339.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROW_FORMAT "| `%5[0-9ms]` | %u | %u | %u | %u |"

/* What the row of such a layout must be. */
static void write_row(char *to, size_t size, const struct layout *layout)
{
    char end[RFC3339_SIZE];
    assert_int_equal(layout_check(layout, NULL), ERR_OK);
    rfc3339_format(end, layout_end_ms(layout), 0);
    end[10] = '\0'; /* the day */
    (void)snprintf(to, size, "| `%s` | %u | %u | %u | %u | %s | %" PRIu64 " |\n",
                   layout_unit_name(layout), layout_time_bits(layout), layout->machine_bits,
                   layout->node_bits, layout->counter_bits, end,
                   1000 / layout->unit_ms * layout_tick_positions(layout));
}

static void test_kinds_page_says_how_long_layouts_last(void **state)
{
    (void)state;
    char line[512];
    unsigned rows = 0;
    FILE *page = fopen("docs/KINDS.md", "r");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL) {
        struct layout layout = layout_default();
        unsigned bits[4] = {0};
        char unit[8] = "";
        char row[256];
        int read = sscanf(line, ROW_FORMAT, /* lint: allowed, because a wrong row differs below */
                          unit, &bits[0], &bits[1], &bits[2], &bits[3]);
        if (read != 5) {
            continue;
        }
        layout.unit_ms = strcmp(unit, "1s") == 0 ? 1000 : strcmp(unit, "10ms") == 0 ? 10 : 1;
        layout.machine_bits = (uint8_t)bits[1];
        layout.node_bits = (uint8_t)bits[2];
        layout.counter_bits = (uint8_t)bits[3];
        write_row(row, sizeof row, &layout);
        assert_string_equal(line, row);
        rows++;
    }
    fclose(page);
    assert_true(rows >= 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_page_says_how_long_layouts_last),
    };
    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
