/*
 * parser: makes a request of a whole head. The only file that knows http-parser.
 */
#ifndef SERVER_HTTP_PARSER_H
#define SERVER_HTTP_PARSER_H

#include <stddef.h>

#include "server/http/request.h"

/*
 * Reads HEAD, LENGTH bytes, which head.h found whole. Returns 0, or the status that refuses it:
 * then only `method` is of use.
 */
unsigned parser_read(const char *head, size_t length, struct request *request);

/* The parts of an origin, "http://host" or "https://host:port", and nothing behind it. */
bool parser_split_origin(struct span origin, struct span *host, bool *secure);

#endif
