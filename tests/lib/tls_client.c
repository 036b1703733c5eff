#include "tls_client.h"

#include "base/text.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE 65536

struct tls_client {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static void must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "tls_client: %s: %s\n", what, gnutls_strerror(result));
        abort();
    }
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = TLS_CLIENT_TIMEOUT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("tls_client: connect");
        abort();
    }
    return fd;
}

struct tls_client *tls_client_open(uint16_t port, const char *priorities)
{
    struct tls_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        abort();
    }
    client->fd = connect_to(port);
    must(gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), "init");
    must(gnutls_certificate_allocate_credentials(&client->credentials), "credentials");
    must(gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials),
         "credentials");
    if (priorities != NULL) {
        must(gnutls_priority_set_direct(client->session, priorities, NULL), priorities);
    } else {
        must(gnutls_set_default_priority(client->session), "priorities");
    }
    gnutls_transport_set_int(client->session, client->fd);
    int result = 0;
    do {
        result = gnutls_handshake(client->session);
    } while (result < 0 && result != GNUTLS_E_AGAIN && gnutls_error_is_fatal(result) == 0);
    if (result < 0) {
        tls_client_close(client);
        return NULL;
    }
    return client;
}

void tls_client_subject(const struct tls_client *client, char *to, size_t size)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
    gnutls_x509_crt_t certificate;

    must(chain != NULL ? 0 : GNUTLS_E_NO_CERTIFICATE_FOUND, "the server's certificate");
    must(gnutls_x509_crt_init(&certificate), "certificate");
    must(gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER), "certificate");
    must(gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, to, &size),
         "name");
    gnutls_x509_crt_deinit(certificate);
}

/* Is a whole answer there? Then its body's start and status. */
static bool is_whole(const char *text, size_t length, const char **ret_body, int *ret_status)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *field = strcasestr(text, "Content-Length: ");
    uint64_t status = 0;
    char digits[32];

    if (end == NULL || field == NULL || length < 12) {
        return false;
    }
    snprintf(digits, sizeof digits, "%.3s", text + 9);
    if (text_parse_uint64(digits, 999, &status) != ERR_OK) {
        return false;
    }
    *ret_status = (int)status;
    *ret_body = end + 4;
    field += strlen("Content-Length: ");
    snprintf(digits, sizeof digits, "%.*s", (int)strspn(field, "0123456789"), field);
    uint64_t wanted = 0;
    return text_parse_uint64(digits, ANSWER_SIZE, &wanted) == ERR_OK &&
           (uint64_t)(text + length - *ret_body) >= wanted;
}

int tls_client_ask(struct tls_client *client, const char *method, const char *target,
                   const char *headers, char *body, size_t size)
{
    char text[ANSWER_SIZE];
    const char *start = NULL;
    int status = 0;
    int length =
        snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, target, headers);

    if (gnutls_record_send(client->session, text, (size_t)length) != length) {
        return 0;
    }
    size_t have = 0;
    do {
        ssize_t got = gnutls_record_recv(client->session, text + have, sizeof text - 1 - have);
        if (got == GNUTLS_E_INTERRUPTED) {
            continue;
        }
        if (got <= 0) {
            return 0;
        }
        have += (size_t)got;
        text[have] = '\0';
    } while (!is_whole(text, have, &start, &status));
    snprintf(body, size, "%s", start);
    return status;
}

void tls_client_close(struct tls_client *client)
{
    if (client != NULL) {
        gnutls_deinit(client->session);
        gnutls_certificate_free_credentials(client->credentials);
        close(client->fd);
        free(client);
    }
}
