/*
 * plan: what a bench is asked to do, how the server under test is spoken to, and what came
 * of it.
 *
 * Every server is driven by the same loop (load.h); a `struct bench_protocol` is all that is
 * particular to one of them. Turnstile's is turnstile.c, the others' are in bench/.
 */
#ifndef CLIENT_BENCH_PLAN_H
#define CLIENT_BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "client/options/server_address.h"
#include "shared/base/histogram.h"
#include "shared/text/name.h"

#define BENCH_CLIENTS_MAX  20000
#define BENCH_PIPELINE_MAX 1024
#define BENCH_SPEAKERS_MAX 64   /* each has one character in a line */
#define BENCH_MESSAGE_MAX  1024 /* bytes of one request, or of one step of a hello */

enum bench_kind { BENCH_ECHO, BENCH_PING, BENCH_BOOK, BENCH_CHAT, BENCH_CONNECT, BENCH_IDLE };

/* One that is under load. */
struct bench_server {
	const struct server_address *named; /* also whether it is spoken to through TLS */
	struct sockaddr_storage address;
	socklen_t address_length;
};

struct bench_plan {
	enum bench_kind kind;
	struct bench_server servers[SERVER_ADDRESSES_MAX]; /* the clients are spread over them */
	unsigned server_count;
	unsigned clients;    /* connections, or members of the room */
	unsigned pipeline;   /* requests, or lines of the room, in flight at once */
	unsigned speakers;   /* chat: how many of the members speak */
	unsigned rate;       /* chat: lines a second; 0: as many as go through */
	int64_t count;       /* operations; 0: until the time is over */
	int64_t duration_ns; /* the longest time that is measured */
	char event[NAME_EVENT_SIZE];
	bool keys;    /* book: each request has a key of its own */
	uint64_t run; /* tells this run's keys from another's */
	pid_t server; /* whose processors' time and memory are counted, with all descendants */
	bool json;
};

/* The one that this client, or this connection, is for. */
static inline const struct bench_server *bench_server_of(const struct bench_plan *plan,
							 uint64_t number)
{
	return &plan->servers[number % plan->server_count];
}

/* Bytes being put together; whoever makes it says how many there can be. */
struct bench_text {
	char *bytes;
	size_t size;
	size_t length;
};

/* A text that does not fit is a fault of our own. */
void bench_put(struct bench_text *text, const char *bytes, size_t length);
void bench_put_string(struct bench_text *text, const char *string);
void bench_put_number(struct bench_text *text, uint64_t number);

/* The key of a client's Nth request: the same length whatever the numbers (BENCH_KEY_LENGTH). */
#define BENCH_KEY_LENGTH 24
void bench_put_key(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		   int64_t number);

enum bench_take {
	BENCH_MORE,   /* not whole yet */
	BENCH_OTHER,  /* something that is no answer */
	BENCH_DONE,   /* an answer: it worked */
	BENCH_REFUSED /* an answer: it did not */
};

struct bench_protocol {
	const char *name;
	/*
	 * What a new connection says first (step 0), and after each BENCH_DONE as long as it is not
	 * in (steps 1, 2, ...). Nothing put into TEXT: it is in.
	 */
	void (*hello)(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		      unsigned step);
	void (*request)(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			int64_t number);
	/* Reads the first message of LENGTH bytes and says in USED how long it is. */
	enum bench_take (*take)(const struct bench_plan *plan, const char *bytes, size_t length,
				size_t *used);
	/* Chat: says the LENGTH bytes of LINE to the room. NULL: there are no rooms. */
	void (*say)(struct bench_text *text, const char *line, size_t length);
	bool speakers_apart; /* who speaks is no member, and the members hear all */
	bool framed;         /* messages have no end of a line: `take` says how long each is */
};

struct bench_result {
	int64_t operations; /* requests answered, lines delivered, connections made */
	int64_t refused;
	int64_t lost;         /* chat: deliveries that never came */
	int64_t disordered;   /* chat: deliveries out of order */
	int64_t other_orders; /* chat: members who only listened and heard another order */
	int64_t broken;       /* connections that the server closed */
	int64_t elapsed_ns;
	int64_t cpu_ns;       /* of the server's processes; -1: not asked for */
	int64_t own_cpu_ns;   /* of the load generator */
	int64_t memory_bytes; /* idle: of the server's processes, by all connections; -1 */
	struct histogram latency;
};

#endif
