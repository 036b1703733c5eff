/* node_address: an id for this node, out of an address that it has.
 *
 * The law: an id is taken only where no other node of the same network can have the same one: from
 * an IPv4 address that belongs to one host, whose host part fits the bits. Anything else is
 * refused, for two nodes with one id issue the same numbers.
 *
 * Threads: any. */
#ifndef SEQD_NODE_ADDRESS_H
#define SEQD_NODE_ADDRESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_ADDRESS_SOURCE_SIZE 20 /* bytes of "ip:" and an interface, with its NUL */
#define NODE_ADDRESS_TEXT_SIZE 64   /* bytes for what was chosen, with its NUL */

/* Is `text` "ip", or "ip:INTERFACE" with a name that an interface can have? */
bool node_address_is_source(const char *text);

/* The low `bits` of the first address of the interface that `source` names, or, where it names
 * none, of the address from which this machine would reach others. `ret_text`  the address and its
 * interface, for the log. ERR_NOT_FOUND  there is no such interface, it has no IPv4 address, or no
 * way leads out. ERR_INVALID    as node_address_choose(). ERR_IO  the kernel does not tell. */
__attribute__((warn_unused_result)) enum error
node_address_find(const char *source, unsigned bits, uint32_t *ret_id,
                  char ret_text[NODE_ADDRESS_TEXT_SIZE], struct error_detail *detail);

/* The low `bits` (0 … 31) of `address`, in the order of the host, of a network with `mask`.
 * ERR_INVALID  it is loopback, link-local, shared by a carrier's customers, or no host's; or the
 *              host part has more bits; why, in `detail`. */
__attribute__((warn_unused_result)) enum error node_address_choose(uint32_t address, uint32_t mask,
                                                                   unsigned bits, uint32_t *ret_id,
                                                                   struct error_detail *detail);

#endif
