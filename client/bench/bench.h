/*
 * bench: `turnstile bench`: puts a server under load, and says what it did and what that cost.
 */
#ifndef CLIENT_BENCH_BENCH_H
#define CLIENT_BENCH_BENCH_H

#include "client/bench/plan.h"
#include "client/options/server_address.h"

/* Its command line, which may say another ADDRESS. Returns the exit status. */
int bench_run(const struct server_address *address, int argc, char **argv);

/*
 * The same for another server (bench/peer), argv[0] being the program's name. PROTOCOL says how to
 * speak in a bench of that kind, or NULL if there is no such bench of that server. What fails (no
 * server, no limit high enough) ends the program.
 */
int bench_main(const struct server_address *server, int argc, char **argv,
	       const struct bench_protocol *(*protocol)(enum bench_kind kind));

#endif
