#include "machine.h"

#include <string.h>
#include <systemd/sd-id128.h>

/* Drawn once; systemd hashes the machine id with it. */
static const sd_id128_t application =
    SD_ID128_MAKE(9e, 2f, 64, 0b, 7c, 51, 4d, 0a, a3, 18, d5, 46, e0, 97, 3b, 82);

void machine_id(uint8_t to[MACHINE_ID_SIZE])
{
    sd_id128_t id;

    memset(to, 0, MACHINE_ID_SIZE);
    if (sd_id128_get_machine_app_specific(application, &id) == 0) {
        memcpy(to, id.bytes, MACHINE_ID_SIZE);
    }
}
