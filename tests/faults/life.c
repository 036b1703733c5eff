#include "life.h"

#include "script_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SKIP 7 /* positions that an adoption skips; a restore here skips none */
#define WITNESS "witness"
#define COPY_WITNESS "witness-of-the-copy"

/* A script and where its facts are told. */
struct living {
    const struct life *life;
    uint64_t *told;
};

static void tell(void *context, size_t fact, uint64_t value)
{
    struct living *living = context;

    living->told[fact] = value;
}

static enum error visit(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    (void)entry;
    (void)detail;
    ++*(unsigned *)context;
    return ERR_OK;
}

static enum error list(struct store *store, struct error_detail *detail)
{
    unsigned count = 0;
    enum error error = store_each(store, visit, &count, detail);

    assert_true(error != ERR_OK || count >= SCRIPT_SEQUENCES);
    return error;
}

static enum error back_up(struct store *store, struct life_facts *told, struct error_detail *detail)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    enum error error;

    if (stream == NULL) {
        return error_fail(detail, ERR_NO_MEMORY, "no memory for a backup");
    }
    error = store_backup(store, stream, detail);
    if (ferror(stream) != 0 && error == ERR_OK) {
        error = error_fail(detail, ERR_NO_MEMORY, "no memory for a backup");
    }
    /* glibc says that all is well where the last of it found no memory, and leaves no text. */
    if ((fclose(stream) != 0 || text == NULL) && error == ERR_OK) {
        error = error_fail(detail, ERR_NO_MEMORY, "no memory for a backup");
    }
    if (error == ERR_OK) {
        assert_true(length > 0 && length <= LIFE_BACKUP_MAX);
        memcpy(told->backup, text, length);
        memcpy(told->copy_facts, told->facts, sizeof(told->copy_facts));
        told->backup_length = length;
    }
    free(text);
    return error;
}

/* Recover though nothing failed, list, and back up: the last acts before the clean stop. */
static bool finish(struct script *script, struct store *store)
{
    struct living *living = script->context;
    struct error_detail detail = {.text = ""};

    if (!script_recover(script, store)) {
        return false;
    }
    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = list(store, &detail);

        error = error == ERR_OK ? back_up(store, living->life->told, &detail) : error;
        if (error == ERR_OK) {
            return true;
        }
        script_check_code(script, error, &detail);
        if (!script_recover(script, store)) {
            return false;
        }
    }
    return false;
}

static bool adopt(struct script *script, struct life_facts *told)
{
    struct store_lmdb_options options = script_options(script);
    struct error_detail detail = {.text = ""};
    struct store_lmdb_moved moved;

    told->adopting = true;
    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = store_lmdb_adopt(&options, SKIP, &moved, &detail);

        if (error == ERR_OK) {
            told->adopted = true;
            return true;
        }
        script_check_code(script, error, &detail);
    }
    return false;
}

static bool restore(struct script *script, struct life_facts *told)
{
    struct store_lmdb_options options = script_options(script);
    struct error_detail detail = {.text = ""};
    struct store_lmdb_moved moved;

    told->restoring = true;
    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error =
            store_lmdb_restore(&options, told->backup, told->backup_length, 0, &moved, &detail);

        /* The try before it failed after its last commit. */
        if (error == ERR_OK || (i > 0 && error == ERR_INVALID)) {
            told->restored = true;
            return true;
        }
        script_check_code(script, error, &detail);
    }
    return false;
}

/* A start after an adoption or a restore: what it grants is above all that was granted. */
static bool live_on(struct script *script)
{
    struct store *store = NULL;
    bool done;

    if (!script_open(script, &store)) {
        return false;
    }
    done = script_reserve(script, store);
    store_close(store);
    return done;
}

static struct script script_of_data(const struct life *life, const struct dir *witness)
{
    return (struct script){.dir = &life->data, .witness = life->witnessed ? witness->path : NULL};
}

static struct script script_of_copy(const struct life *life, const struct dir *witness)
{
    return (struct script){.dir = &life->copy, .witness = life->witnessed ? witness->path : NULL};
}

static bool live_through(const struct life *life, struct script *script, struct script *copy)
{
    if (!script_run(script)) {
        return false;
    }
    if (!adopt(script, life->told) || !live_on(script)) {
        return false;
    }
    memcpy(copy->facts, life->told->copy_facts, sizeof(copy->facts));
    return restore(copy, life->told) && live_on(copy);
}

enum life_exit life_live(const struct life *life, const struct life_fault *fault)
{
    struct dir witness = dir_entry(&life->elsewhere, WITNESS);
    struct dir copy_witness = dir_entry(&life->elsewhere, COPY_WITNESS);
    struct living of_data = {.life = life, .told = life->told->facts};
    struct living of_copy = {.life = life, .told = life->told->copy_facts};
    struct script script = script_of_data(life, &witness);
    struct script copy = script_of_copy(life, &copy_witness);
    bool done;

    script.on_fact = tell;
    script.context = &of_data;
    script.at_last = finish;
    copy.on_fact = tell;
    copy.context = &of_copy;
    if (fault->kind == FAULT_ENOMEM || fault->kind == FAULT_EMPTY) {
        script_may_lack_memory();
    }
    calls_arm(life->told->counts, fault->call, fault->number, fault->kind);
    done = live_through(life, &script, &copy);
    life->told->struck = calls_disarm();
    if (script.failures + copy.failures > 0 &&
        (life->told->struck == 0 || fault->kind == FAULT_SLOW)) {
        fail_msg("calls failed on a disk that is well");
    }
    if (!done && fault_passes(fault->kind)) {
        fail_msg("a fault that passed cost the life");
    }
    return done ? LIFE_DONE : LIFE_GAVE_UP;
}

/* An adoption that was cut off may be refused until it is repeated. */
static void adopt_again(struct script *script)
{
    struct store_lmdb_options options = script_options(script);
    struct error_detail detail = {.text = ""};
    struct store_lmdb_moved moved;
    struct store *store = NULL;
    enum error error = store_lmdb_open(&options, &store, &detail);

    store_close(store);
    if (error != ERR_OK) {
        error = store_lmdb_adopt(&options, SKIP, &moved, &detail);
    }
    if (error != ERR_OK) {
        fail_msg("an adoption that is repeated gave '%s': %s", error_name(error), detail.text);
    }
}

/* A restore that was cut off has issued nothing and may be repeated, unless it came to its end. */
static void restore_again(struct script *script, const struct life_facts *told)
{
    struct store_lmdb_options options = script_options(script);
    struct error_detail detail = {.text = ""};
    struct store_lmdb_moved moved;
    enum error error =
        store_lmdb_restore(&options, told->backup, told->backup_length, 0, &moved, &detail);

    if (error != ERR_OK && error != ERR_INVALID) {
        fail_msg("a restore that is repeated gave '%s': %s", error_name(error), detail.text);
    }
}

void life_check(const struct life *life)
{
    const struct life_facts *told = life->told;
    struct dir witness = dir_entry(&life->elsewhere, WITNESS);
    struct dir copy_witness = dir_entry(&life->elsewhere, COPY_WITNESS);
    struct script script = script_of_data(life, &witness);
    struct script copy = script_of_copy(life, &copy_witness);

    memcpy(script.facts, told->facts, sizeof(script.facts));
    memcpy(copy.facts, told->copy_facts, sizeof(copy.facts));
    if (told->adopting && !told->adopted) {
        adopt_again(&script);
    }
    copy.rows_lost = !script_check(&script);
    if (told->restoring && !told->restored) {
        restore_again(&copy, told);
    }
    if (told->restoring) {
        (void)script_check(&copy); /* of its ledger nobody wants to know more */
    }
}
