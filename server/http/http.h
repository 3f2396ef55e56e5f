/*
 * http: the front that speaks HTTP/1.1 to browsers, shops, scanners and monitoring.
 *
 * A peer's bytes are kept until a request is there whole (head.h, parser.h), what it asks for is
 * found in the table of resources (resource.h), and the answer is sent in its place: the next
 * request is not looked at before. So pipelining needs no queue.
 */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "server/session/front.h"

extern const struct front http_front;

#endif
