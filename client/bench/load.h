/*
 * load: many connections to one server in one thread, as cheap as can be: the load generator
 * shares the processors with what it measures.
 *
 * A load owns its connections. It connects them, carries each through its hello, then hands their
 * input to the bench that made it, and flushes what the bench puts into their output. A connection
 * that the server closes is counted and left alone.
 */
#ifndef CLIENT_BENCH_LOAD_H
#define CLIENT_BENCH_LOAD_H

#include "client/bench/plan.h"

#define BENCH_INPUT_SIZE (256 * 1024)
#define BENCH_TAIL_SIZE  4096 /* bytes of a message that is not whole yet */

struct bench_client {
	unsigned number;
	int descriptor;        /* -1: ended */
	struct tls_link *link; /* under it; or NULL */
	unsigned step;
	bool ready; /* its hello is over */
	bool waits_to_write;
	unsigned in_flight; /* for the bench that uses it, from here on */
	int64_t asked;
	int64_t answered;
	int64_t *asked_ns; /* a ring of `pipeline` times */
	struct bench_text output;
	size_t written; /* of the output */
	size_t tail_length;
	char tail[BENCH_TAIL_SIZE];
};

struct bench_load {
	const struct bench_plan *plan;
	const struct bench_protocol *protocol;
	struct bench_client *clients;
	unsigned client_count;
	unsigned ready_count;
	int64_t broken;
	int epoll;
	int64_t now_ns; /* when this turn began */
	char *input;
	void *owner; /* the bench's own */
	/* The input of a client that is in; returns how many bytes are used up. */
	size_t (*hear)(struct bench_load *load, struct bench_client *client, const char *bytes,
		       size_t length);
};

/* Makes all connections and waits until they are in. Whatever fails ends the program. */
void bench_load_open(struct bench_load *load, const struct bench_plan *plan,
		     const struct bench_protocol *protocol, unsigned client_count,
		     size_t output_size);
void bench_load_close(struct bench_load *load);

/* One turn of the loop: waits at most TIMEOUT_NS, and serves what has come. */
void bench_load_turn(struct bench_load *load, int64_t timeout_ns);

/* Writes what the client's output holds, as far as it goes; the rest follows by itself. */
void bench_load_flush(struct bench_load *load, struct bench_client *client);

#endif
