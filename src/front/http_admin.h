/* http_admin: the administration of sequences: PUT, PATCH and DELETE of one, and its advance.
 *
 * The law: a body is understood whole or refused before anything is asked of the core, and an
 * answer that says a change was made is sent after it is durable. Where nobody knows, the answer
 * says so.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_ADMIN_H
#define SEQD_FRONT_HTTP_ADMIN_H

#include "http_request.h"

#include <microhttpd.h>

/* Answer, or suspend the connection. */
enum MHD_Result http_admin_create(struct http_request *request);
enum MHD_Result http_admin_alter(struct http_request *request);
enum MHD_Result http_admin_advance(struct http_request *request);
enum MHD_Result http_admin_drop(struct http_request *request);
enum MHD_Result http_admin_backup(struct http_request *request);

/* The wait is over: answer with what came of it. */
enum MHD_Result http_admin_go_on(struct http_request *request);

#endif
