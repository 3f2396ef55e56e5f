/*
 * nats: a NATS server of a test's own, with JetStream in a folder, on a port of this machine that
 * the system chose. It ends with the test's process.
 */
#ifndef TESTS_SUPPORT_NATS_H
#define TESTS_SUPPORT_NATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/folder.h"

#define NATS_ARGUMENTS_MAX 16

struct nats {
	struct folder folder;
	pid_t pid;     /* 0: it does not run */
	uint16_t port; /* the same after each start */
	bool without_jetstream;
	const char *arguments[NATS_ARGUMENTS_MAX]; /* further ones, NULL behind the last */
};

/* Whether one is installed; makes the folder. */
bool nats_init(struct nats *nats);

/* Starts it, and waits until it takes connections. */
void nats_start(struct nats *nats);

/* Ends it with SIGNAL, and waits for that; what it keeps stays, or is forgotten. */
void nats_stop(struct nats *nats, int signal);
void nats_forget(struct nats *nats);

/* Fine at any time, also twice. */
void nats_finish(struct nats *nats);

/* "nats://127.0.0.1:PORT"; good until the next call. */
const char *nats_url(const struct nats *nats);

#endif
