#include "front/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct tls_identity {
    gnutls_certificate_credentials_t credentials; /* constant */
    _Atomic unsigned holders;                     /* the last one frees */
};

struct tls {
    pthread_mutex_t lock;
    struct tls_identity *identity; /* lock */
};

static enum error explain(int result, const struct tls_options *options,
                          struct error_detail *detail)
{
    if (result == GNUTLS_E_MEMORY_ERROR) {
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    return error_fail(detail, ERR_INVALID,
                      "certificate '%s' with key '%s' cannot be used: %s (both are PEM, and seqd "
                      "must be allowed to read them)",
                      options->certificate, options->key, gnutls_strerror(result));
}

static enum error read_identity(const struct tls_options *options,
                                struct tls_identity **ret_identity, struct error_detail *detail)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);

    if (identity == NULL || gnutls_certificate_allocate_credentials(&identity->credentials) < 0) {
        free(identity);
        return explain(GNUTLS_E_MEMORY_ERROR, options, detail);
    }
    /* It also refuses a key that is not the certificate's. */
    int result = gnutls_certificate_set_x509_key_file2(identity->credentials, options->certificate,
                                                       options->key, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (result < 0) {
        gnutls_certificate_free_credentials(identity->credentials);
        free(identity);
        return explain(result, options, detail);
    }
    atomic_init(&identity->holders, 1);
    *ret_identity = identity;
    return ERR_OK;
}

enum error tls_open(const struct tls_options *options, struct tls **ret_tls,
                    struct error_detail *detail)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (tls == NULL || pthread_mutex_init(&tls->lock, NULL) != 0) {
        free(tls);
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    enum error error = read_identity(options, &tls->identity, detail);
    if (error != ERR_OK) {
        tls_close(tls);
        return error;
    }
    *ret_tls = tls;
    return ERR_OK;
}

enum error tls_reload(struct tls *tls, const struct tls_options *options,
                      struct error_detail *detail)
{
    struct tls_identity *fresh = NULL;
    enum error error = read_identity(options, &fresh, detail);

    if (error != ERR_OK) {
        return error;
    }
    pthread_mutex_lock(&tls->lock);
    struct tls_identity *old = tls->identity;
    tls->identity = fresh;
    pthread_mutex_unlock(&tls->lock);
    tls_release(old);
    return ERR_OK;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    tls_release(tls->identity);
    (void)pthread_mutex_destroy(&tls->lock); /* nobody holds it */
    free(tls);
}

struct tls_identity *tls_hold(struct tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    struct tls_identity *identity = tls->identity;
    /* order: relaxed; the lock keeps the service's own hold from ending meanwhile. */
    atomic_fetch_add_explicit(&identity->holders, 1, memory_order_relaxed);
    pthread_mutex_unlock(&tls->lock);
    return identity;
}

void tls_release(struct tls_identity *identity)
{
    if (identity == NULL) {
        return;
    }
    /* order: acq_rel pairs with itself in the other holders: what they did with it comes before the
     * last one frees it. */
    if (atomic_fetch_sub_explicit(&identity->holders, 1, memory_order_acq_rel) == 1) {
        gnutls_certificate_free_credentials(identity->credentials);
        free(identity);
    }
}

gnutls_certificate_credentials_t tls_credentials(const struct tls_identity *identity)
{
    return identity->credentials;
}
