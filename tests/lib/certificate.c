#include "certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S (24 * 60 * 60)
#define YEAR_S (365 * DAY_S)

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "certificate: %s\n", gnutls_strerror(result));
        abort();
    }
}

static void write_pem(const struct dir *dir, const char *name, const char *suffix,
                      const gnutls_datum_t *pem)
{
    char file[128];

    snprintf(file, sizeof file, "%s%s", name, suffix);
    dir_write(dir, file, pem->data, pem->size);
}

static void fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *name)
{
    static const unsigned char serial[] = {1};
    static const unsigned char ipv4[] = {127, 0, 0, 1};
    time_t now = time(NULL);

    must(gnutls_x509_crt_set_version(certificate, 3));
    must(gnutls_x509_crt_set_serial(certificate, serial, sizeof serial));
    must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)));
    must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, ipv4, sizeof ipv4,
                                              GNUTLS_FSAN_SET));
    must(gnutls_x509_crt_set_activation_time(certificate, now - DAY_S));
    must(gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)10 * YEAR_S));
    must(gnutls_x509_crt_set_key(certificate, key));
    must(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0));
}

void certificate_write(const struct dir *dir, const char *name, const char *as)
{
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    gnutls_datum_t pem;

    must(gnutls_x509_privkey_init(&key));
    must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    must(gnutls_x509_crt_init(&certificate));
    fill(certificate, key, name);
    must(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem));
    write_pem(dir, as != NULL ? as : name, ".pem", &pem);
    gnutls_free(pem.data);
    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    write_pem(dir, as != NULL ? as : name, ".key", &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}
