/*
 * secure: TLS under a bench's connection, where SERVER is spoken to so.
 */
#ifndef CLIENT_BENCH_SECURE_H
#define CLIENT_BENCH_SECURE_H

#include "client/options/server_address.h"
#include "shared/tls/link.h"

/*
 * The descriptor to use in the place of the connected DESCRIPTOR, and what is under it to LINK
 * (NULL: no TLS). What fails ends the program.
 */
int bench_secure(const struct server_address *server, int descriptor, struct tls_link **link);

#endif
