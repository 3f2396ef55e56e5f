#include "server/process/copies.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log.h"

struct table {
	int *sockets;       /* by seat; -1: none; NULL: the worker never had any */
	uint64_t *handoffs; /* which session's: as its stream has it */
	uint32_t used;      /* seats that there is an entry for: those before */
};

struct copies {
	struct shared_state *shared;
	struct table tables[OPTIONS_WORKERS_MAX];
};

struct copies *copies_create(struct shared_state *shared)
{
	struct copies *copies = calloc(1, sizeof(*copies));

	if (!copies) {
		die("out of memory");
	}
	copies->shared = shared;
	return copies;
}

/* There is an entry for all seats before SEATS. */
static void use(const struct copies *copies, struct table *table, uint32_t seats)
{
	const size_t most = (size_t)copies->shared->seats + 1; /* never none */

	if (!table->sockets) {
		table->sockets = calloc(most, sizeof(*table->sockets));
		table->handoffs = calloc(most, sizeof(*table->handoffs));
		if (!table->sockets || !table->handoffs) {
			die("out of memory");
		}
	}
	while (table->used < seats) {
		table->sockets[table->used++] = -1;
	}
}

static bool is_there(const struct copies *copies, uint32_t worker, uint32_t seat, uint64_t handoff)
{
	const struct stream *stream = streams_at(copies->shared->streams, worker, seat);

	return stream->session != 0 && stream->handoff == handoff;
}

static void drop(struct table *table, uint32_t seat)
{
	if (seat < table->used && table->sockets[seat] >= 0) {
		close(table->sockets[seat]);
		table->sockets[seat] = -1;
	}
}

void copies_add(struct copies *copies, uint32_t worker, uint32_t seat, uint64_t handoff, int socket)
{
	struct table *table = &copies->tables[worker];

	if (seat >= copies->shared->seats || !is_there(copies, worker, seat, handoff)) {
		close(socket);
		return;
	}
	use(copies, table, seat + 1);
	drop(table, seat); /* who sat there before */
	table->sockets[seat] = socket;
	table->handoffs[seat] = handoff;
}

static void see_closed(void *context, uint32_t worker, uint32_t seat)
{
	struct copies *copies = context;
	struct table *table = &copies->tables[worker];

	/* Seats come from shared memory: a worker that was taken over may name one that is none. */
	if (seat < table->used && !is_there(copies, worker, seat, table->handoffs[seat])) {
		drop(table, seat);
	}
}

void copies_sweep(struct copies *copies)
{
	for (uint32_t worker = 0; worker < copies->shared->workers; worker++) {
		streams_each_closed(copies->shared->streams, worker, see_closed, copies);
	}
}

void copies_drop(struct copies *copies, uint32_t worker)
{
	for (uint32_t seat = 0; seat < copies->tables[worker].used; seat++) {
		drop(&copies->tables[worker], seat);
	}
}

void copies_each(struct copies *copies, void (*see)(void *context, int socket), void *context)
{
	for (uint32_t worker = 0; worker < copies->shared->workers; worker++) {
		uint32_t count;
		const int *sockets = copies_of(copies, worker, &count);

		for (uint32_t seat = 0; seat < count; seat++) {
			if (sockets[seat] >= 0) {
				see(context, sockets[seat]);
			}
		}
	}
}

const int *copies_of(struct copies *copies, uint32_t worker, uint32_t *count)
{
	const uint32_t seats = copies->shared->seats;
	const uint32_t used = copies->shared->streams->highest[worker];

	*count = used < seats ? used : seats; /* a worker that was taken over may have written it */
	use(copies, &copies->tables[worker], *count);
	return copies->tables[worker].sockets;
}
