#include "held_port.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct held_port held_port_take(void)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct held_port held = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(held.socket >= 0);
    assert_int_equal(setsockopt(held.socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(held.socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(held.socket, (struct sockaddr *)&address, &size), 0);
    held.port = ntohs(address.sin_port);
    return held;
}

void held_port_free(struct held_port *held)
{
    (void)close(held->socket);
}
