/* The ledger of the store in memory, where nothing is forgotten, and its backup. */
#include "store_memory_disk.h"

#include "store/backup.h"

#include <string.h>

void memory_ledger_note(struct store_memory_disk *disk, const struct store_entry *entry,
                        enum ledger_act act, struct range positions, uint64_t from)
{
    struct ledger_entry *row;
    size_t count = disk->row_count;

    if (positions.first >= positions.limit) {
        return;
    }
    disk->rows = memory_grow(disk->rows, &disk->row_room, count + 1, sizeof(*disk->rows));
    row = &disk->rows[disk->row_count++];
    *row = ledger_entry_of(entry->name, &entry->definition, act, positions, entry->generation);
    row->from = range_max(positions.first, range_min(from, positions.limit));
    row->id.commit = disk->commits;
    if (count > 0 && row[-1].id.commit == disk->commits) {
        row->id.index = row[-1].id.index + 1;
    }
    row->time_ms = disk->commits;
    row->nonce = disk->commits; /* the same in every run of a seed */
}

static bool matches(const struct store_ledger_query *query, const struct ledger_entry *row)
{
    return (query->name == NULL || strcmp(query->name, row->name) == 0) &&
           (!query->has_number || ledger_entry_covers(row, query->number));
}

enum error memory_ledger_read(struct store_memory_disk *disk, struct store_ledger_query *query,
                              store_ledger_fn *visit, void *context, struct error_detail *detail)
{
    enum error error = ERR_OK;
    size_t found = 0;
    size_t i = 0;

    query->last = query->after;
    query->oldest = disk->row_count > 0 ? disk->rows[0].id : (struct ledger_id){0};
    query->more = false;
    query->damaged = 0;
    query->missing = 0;
    while (i < disk->row_count && ledger_id_compare(disk->rows[i].id, query->after) <= 0) {
        i++;
    }
    for (size_t seen = 0; error == ERR_OK && i < disk->row_count; i++, seen++) {
        query->more = found == query->limit || seen == STORE_LEDGER_SCAN_MAX;
        if (query->more) {
            return ERR_OK;
        }
        query->last = disk->rows[i].id;
        if (matches(query, &disk->rows[i])) {
            found++;
            error = visit(context, &disk->rows[i], detail);
        }
    }
    return error;
}

enum error memory_disk_back_up(struct store_memory_disk *disk, FILE *to,
                               struct error_detail *detail)
{
    struct meta meta = {.version = META_VERSION, .counter = disk->commits};
    enum error error = ERR_OK;
    struct backup backup;

    backup_begin(&backup, to, &meta, 0);
    for (size_t i = 0; error == ERR_OK && i < disk->record_count; i++) {
        const struct memory_record *record = disk->records[i];
        struct record text = {.definition = record->entry.definition,
                              .generation = record->entry.generation,
                              .mark = record->entry.mark,
                              .dropped = record->dropped,
                              .floor = record->entry.floor};

        if (record->damaged) {
            error = error_fail(detail, ERR_CORRUPT, "'%s' is damaged", record->entry.name);
        } else {
            backup_add(&backup, record->entry.name, &text);
        }
    }
    for (size_t i = 0; error == ERR_OK && i < disk->row_count; i++) {
        backup_add_row(&backup, &disk->rows[i]);
    }
    backup_end(&backup, 0, 0);
    return error;
}
