/* A configuration of several files: their order, what counts in the end, and where a mistake is. */
#include "config_text.h"
#include "dir.h"

#include <sys/stat.h>

/* A directory for the files, and the configuration that they make. */
struct scene {
    struct dir dir;
    struct config config;
    struct config_report report;
};

static struct scene *open_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->dir = dir_make();
    return scene;
}

static void close_scene(struct scene *scene)
{
    config_free(&scene->config);
    dir_remove(&scene->dir);
    free(scene);
}

static void write_file(const struct scene *scene, const char *name, const char *content)
{
    dir_write(&scene->dir, name, content, strlen(content));
}

/* Read `first`, a text (NULL: no file), and then the directory. */
static enum error load_after(struct scene *scene, const char *first)
{
    if (first == NULL) {
        return config_load(NULL, scene->dir.path, &scene->config, &scene->report);
    }
    struct config_text text = config_text_bytes(first, strlen(first));
    enum error error = config_load(text.path, scene->dir.path, &scene->config, &scene->report);
    config_text_close(&text);
    return error;
}

static void expect_valid(struct scene *scene, const char *first)
{
    if (load_after(scene, first) != ERR_OK) {
        fail_msg("this must be valid: %s", scene->report.mistakes[0].text);
    }
}

/* One mistake: on `line` of `name`, with `what`. */
static void expect_mistake(struct scene *scene, const char *first, const char *name, unsigned line,
                           const char *what)
{
    char where[DIR_PATH_SIZE + 32];
    struct dir file = dir_entry(&scene->dir, name);
    assert_int_equal(load_after(scene, first), ERR_INVALID);
    (void)snprintf(where, sizeof where, "%s:%u: ", file.path, line);
    const char *text = scene->report.mistakes[0].text;
    assert_int_equal(scene->report.count, 1);
    if (strncmp(text, where, strlen(where)) != 0 || strstr(text, what) == NULL) {
        fail_msg("'%s' lacks '%s' or '%s'", text, where, what);
    }
}

static void test_config_of_an_empty_directory_is_that_of_the_file(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    expect_valid(scene, "[http]\nmax_count = 7\n");
    assert_int_equal(scene->config.http.max_count, 7);
    assert_int_equal(scene->config.file_count, 1);
    close_scene(scene);
}

static void test_config_lets_the_later_file_count(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    /* Written in another order than they are read in: by bytes, and so capitals come first. */
    write_file(scene, "b.conf", "[http]\nmax_count = 4\n");
    write_file(scene, "a.conf", "[http]\nmax_count = 3\nidle_timeout = 3s\n");
    write_file(scene, "B.conf", "[http]\nmax_count = 2\nidle_timeout = 2s\nwait_timeout = 2s\n");
    expect_valid(scene, "[http]\nmax_count = 1\nidle_timeout = 1s\nwait_timeout = 1s\n"
                        "request_timeout = 9s\n");
    assert_int_equal(scene->config.http.max_count, 4);
    assert_int_equal(scene->config.http.idle_timeout_ms, 3000);
    assert_int_equal(scene->config.http.wait_timeout_ms, 2000);
    assert_int_equal(scene->config.http.request_timeout_ms, 9000);
    close_scene(scene);
}

static void test_config_reads_a_directory_without_a_file(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[sequence:a]\n");
    expect_valid(scene, NULL);
    assert_int_equal(scene->config.sequence_count, 1);
    assert_string_equal(scene->config.sequences[0].name, "a");
    close_scene(scene);
}

static void test_config_passes_over_other_names(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    static const char *const others[] = {"a.conf.dpkg-old", ".a.conf", "a.conf~", "README",
                                         "aconf"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        write_file(scene, others[i], "nonsense\n");
    }
    expect_valid(scene, NULL);
    assert_int_equal(scene->config.file_count, 0);
    close_scene(scene);
}

/* A later section goes on from the earlier one, key by key. */
static void test_config_alters_a_sequence_of_an_earlier_file(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[sequence:a]\nmax_gap = 10\n");
    expect_valid(scene, "[sequence:a]\nstart = 5\nmin = 2\nmax_gap = 20\n[sequence:b]\n");
    const struct definition *a = config_text_sequence(&scene->config, "a");
    assert_int_equal(scene->config.sequence_count, 2);
    assert_int_equal(a->start, 5);
    assert_int_equal(a->min, 2);
    assert_int_equal(a->max_gap, 10);
    close_scene(scene);
}

/* Where nobody says `start`, it follows from what counts in the end. */
static void test_config_derives_the_start_from_what_counts(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[sequence:a]\nincrement = -1\n");
    write_file(scene, "b.conf", "[sequence:a]\nmax = 50\n");
    expect_valid(scene, "[sequence:a]\nmax = 90\n");
    assert_int_equal(config_text_sequence(&scene->config, "a")->start, 50);
    close_scene(scene);
}

/* What is not yet right in one file may be so with the next. */
static void test_config_checks_what_counts_in_the_end(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[http]\nwait_timeout = 20s\n[sequence:a]\nmin = 200\n");
    write_file(scene, "b.conf", "[http]\nrequest_timeout = 30s\n[sequence:a]\nmax = 300\n");
    expect_valid(scene, "[sequence:a]\nmax = 100\n");
    assert_int_equal(config_text_sequence(&scene->config, "a")->start, 200);
    close_scene(scene);
}

static void test_config_names_the_file_of_a_mistake(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "b.conf", "[seqd]\n");
    write_file(scene, "a.conf", "[http]\n\nmax_cuont = 5\n");
    expect_mistake(scene, "[seqd]\n\n\n", "a.conf", 3, "unknown key 'max_cuont'");
    close_scene(scene);
}

static void test_config_refuses_what_stands_twice_in_one_file(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[sequence:a]\n[sequence:b]\n[sequence:a]\n");
    expect_mistake(scene, "\n\n\n[sequence:a]\n", "a.conf", 3,
                   "section [sequence:a] stands on line 1 already");
    write_file(scene, "a.conf", "[http]\n[http]\n");
    expect_mistake(scene, "\n\n\n[http]\n", "a.conf", 2, "stands on line 1 already");
    write_file(scene, "a.conf", "[http]\nmax_count = 1\nmax_count = 2\n");
    expect_mistake(scene, "\n\n\n[http]\nmax_count = 5\n", "a.conf", 3, "stands on line 2 already");
    close_scene(scene);
}

/* A contradiction shows where the later of the two was said. */
static void test_config_shows_a_contradiction_where_it_arose(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[http]\nwait_timeout = 20s\n");
    write_file(scene, "b.conf", "[http]\nmax_count = 2\n");
    expect_mistake(scene, "\n\n\n\n[http]\nrequest_timeout = 9s\n", "a.conf", 2,
                   "request_timeout is 9000 ms, it must be above wait_timeout, 20000 ms");
    write_file(scene, "a.conf", "\n[sequence:a]\nmax = 5\n");
    expect_mistake(scene, "\n\n\n\n[sequence:a]\nstart = 9\n", "a.conf", 2, "start");
    close_scene(scene);
}

static void test_config_reports_the_mistakes_of_all_files(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    write_file(scene, "a.conf", "[http]\nmax_count = 0\n");
    write_file(scene, "b.conf", "[oops]\n");
    assert_int_equal(load_after(scene, "hello\n"), ERR_INVALID);
    assert_int_equal(scene->report.count, 3);
    assert_non_null(strstr(scene->report.mistakes[1].text, "a.conf:2: "));
    assert_non_null(strstr(scene->report.mistakes[2].text, "b.conf:1: "));
    close_scene(scene);
}

/* A directory that is missing, or a file in it that cannot be read, is no empty one. */
static void test_config_refuses_a_directory_that_cannot_be_had(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct dir missing = dir_entry(&scene->dir, "missing");
    assert_int_equal(config_load(NULL, missing.path, &scene->config, &scene->report),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(scene->report.mistakes[0].text, missing.path));

    struct dir folder = dir_entry(&scene->dir, "a.conf");
    assert_int_equal(mkdir(folder.path, 0700), 0);
    assert_int_equal(load_after(scene, NULL), ERR_INVALID);
    assert_non_null(strstr(scene->report.mistakes[0].text, "a.conf: is a directory"));
    assert_int_equal(rmdir(folder.path), 0);
    close_scene(scene);
}

static void test_config_bounds_the_number_of_files(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    char name[16];
    for (unsigned i = 0; i < CONFIG_FILES_MAX; i++) {
        (void)snprintf(name, sizeof name, "%03u.conf", i);
        write_file(scene, name, "");
    }
    expect_valid(scene, NULL);
    config_free(&scene->config);
    assert_int_equal(load_after(scene, ""), ERR_INVALID);
    assert_non_null(strstr(scene->report.mistakes[0].text, "255.conf: more files than"));
    close_scene(scene);
}

static void test_config_says_where_a_sequence_was_said_last(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct error_detail where;
    write_file(scene, "a.conf", "\n\n[sequence:a]\n");
    expect_valid(scene, "[sequence:a]\n");
    config_where(&scene->config, scene->config.sequences[0].place, &where);
    assert_non_null(strstr(where.text, "/a.conf:3"));
    config_free(&scene->config);
    dir_delete(&scene->dir, "a.conf");
    expect_valid(scene, NULL);
    config_where(&scene->config, scene->config.sequences[0].place, &where);
    assert_string_equal(where.text, "the defaults");
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_of_an_empty_directory_is_that_of_the_file),
        cmocka_unit_test(test_config_lets_the_later_file_count),
        cmocka_unit_test(test_config_reads_a_directory_without_a_file),
        cmocka_unit_test(test_config_passes_over_other_names),
        cmocka_unit_test(test_config_alters_a_sequence_of_an_earlier_file),
        cmocka_unit_test(test_config_derives_the_start_from_what_counts),
        cmocka_unit_test(test_config_checks_what_counts_in_the_end),
        cmocka_unit_test(test_config_names_the_file_of_a_mistake),
        cmocka_unit_test(test_config_refuses_what_stands_twice_in_one_file),
        cmocka_unit_test(test_config_shows_a_contradiction_where_it_arose),
        cmocka_unit_test(test_config_reports_the_mistakes_of_all_files),
        cmocka_unit_test(test_config_refuses_a_directory_that_cannot_be_had),
        cmocka_unit_test(test_config_bounds_the_number_of_files),
        cmocka_unit_test(test_config_says_where_a_sequence_was_said_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
