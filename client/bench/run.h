/*
 * bench_run: the benches themselves: each does what the plan says to one server and fills in the
 * result. What fails (no server, no limit high enough) ends the program.
 */
#ifndef CLIENT_BENCH_RUN_H
#define CLIENT_BENCH_RUN_H

#include "client/bench/load.h"

/* Echo, ping and book: every client keeps `pipeline` requests in flight. */
void bench_request(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

/* The members of one room: some speak, all hear. */
void bench_chat(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

/* Connections made, asked once, and closed; `clients` at a time. */
void bench_connect(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result);

/* Connections that say nothing: what they cost the server in memory. */
void bench_idle(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result);

/* What a measured stretch took, from its beginning to its end. */
struct bench_meter {
	int64_t begun_ns;
	int64_t cpu_ns;
	int64_t own_cpu_ns;
};

void bench_meter_begin(struct bench_meter *meter, const struct bench_plan *plan);
void bench_meter_end(const struct bench_meter *meter, const struct bench_plan *plan,
		     struct bench_result *result);

/*
 * `turnstile bench`, or the same for another server (bench/peer): reads the command line, argv[0]
 * being the program's name, runs the bench and prints what came of it. SPEECH says how to speak in
 * a bench of that kind, or NULL if there is no such bench of that server. Returns the exit status.
 */
int bench_main(const char *host, const char *port, int argc, char **argv,
	       const struct bench_protocol *(*protocol)(enum bench_kind kind));

/* How turnstile is spoken to. */
const struct bench_protocol *bench_turnstile(enum bench_kind kind);

#endif
