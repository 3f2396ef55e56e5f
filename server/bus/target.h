/*
 * target: what is to be known to reach the bus: addresses of its servers, and files with
 * credentials and certificates, which the bus process alone reads.
 *
 * The master finds it all out at the start: inside the sandbox no name can be looked up and no file
 * be opened. The files' descriptors are kept open for whoever runs as the bus process; what is in
 * them, no other process ever has in its memory.
 */
#ifndef SERVER_BUS_TARGET_H
#define SERVER_BUS_TARGET_H

#include "server/config/options.h"

/* Files, named in the environment. */
enum bus_file {
	BUS_FILE_CREDENTIALS, /* NATS_CREDS: of NATS's form, or USER:PASSWORD, or a token */
	BUS_FILE_AUTHORITY,   /* NATS_CA: whose certificates are believed */
	BUS_FILE_CERTIFICATE, /* NATS_CERT: our own */
	BUS_FILE_KEY,         /* NATS_KEY */
	BUS_FILES
};

#define BUS_ADDRESSES_MAX 32

/* An address of one of the servers. */
struct bus_address {
	const struct bus_server *server; /* of the options */
	char text[64];                   /* numeric */
};

/* At the start, before the sandbox: finds all of it for OPTIONS, which stay. Or it dies. */
void bus_target_find(const struct options *options);

/* How many addresses there are, and each. */
size_t bus_target_count(void);
const struct bus_address *bus_target_address(size_t i);

/* Copies the files' descriptors, BUS_FILES at most; returns how many. */
size_t bus_target_files(int *descriptors);

/* What is in a file, with a NUL behind it, the caller's to free; NULL if there is none. */
char *bus_target_read(enum bus_file file);

#endif
