/*
 * rights: the roles of processes and what each needs: the table that the filter of system calls and
 * Landlock are made of.
 */
#ifndef SERVER_SANDBOX_RIGHTS_H
#define SERVER_SANDBOX_RIGHTS_H

#include <stdbool.h>

enum sandbox_role {
	SANDBOX_MASTER, /* accepts, starts, watches */
	SANDBOX_WORKER, /* serves clients, has a clerk that opens the store */
	SANDBOX_TELLER, /* a worker that opens no store: --serialize join */
	SANDBOX_JOINER, /* starts a child a booking, which opens the store */
	SANDBOX_TLS,    /* takes TLS connections: no store, no threads */
	SANDBOX_BUS,    /* speaks to the bus: no store, no client */
	SANDBOX_ROLES
};

#define SANDBOX_READ_AGAIN 4
#define SANDBOX_READ_MAX   4
#define SANDBOX_PORTS_MAX  8

/* What is to be reached in spite of it. Each of the names may be NULL. */
struct sandbox_paths {
	const char *store;    /* the store's file: its folder is, and it is the root */
	const char *pid_file; /* the master removes it when it ends */
	const char *read_again[SANDBOX_READ_AGAIN]; /* files that the master may read once more */
	bool database; /* who opens the store connects to one; then it keeps its root */
	unsigned port; /* of it; 0: it has a local socket */
	const char *read[SANDBOX_READ_MAX];    /* files that connecting reads: certificates */
	unsigned bus_ports[SANDBOX_PORTS_MAX]; /* of the bus's servers; 0: no more */
};

enum sandbox_right {
	RIGHT_STORE = 1,      /* open and change the files of the store's folder */
	RIGHT_THREADS = 2,    /* start threads of its own */
	RIGHT_PROCESSES = 4,  /* start, bind and signal processes */
	RIGHT_ACCEPT = 8,     /* take connections from a listener */
	RIGHT_MANAGER = 16,   /* tell the service manager, remove the pid file */
	RIGHT_ROOT = 32,      /* start processes that change their root */
	RIGHT_PAIRS = 64,     /* make pairs of local sockets */
	RIGHT_RELOAD = 128,   /* read what it was configured by once more */
	RIGHT_DATABASE = 256, /* connect to the store's database; of no role by itself */
	RIGHT_BUS = 512       /* connect to the bus's servers, where there is a bus */
};

/* A bit each. */
unsigned sandbox_rights(enum sandbox_role role);

#endif
