#include "server/process/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/store/lock_file.h"
#include "server/process/fronts.h"
#include "server/process/handover.h"
#include "server/session/session.h"
#include "server/snapshot/snapshot.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/words.h"

#define PATIENCE_NS (30 * NS_PER_SECOND) /* the old one gives up before */

/* A connection: where it sits; or, with a worker of NONE, how it came. */
struct connection {
	int socket;
	struct handover_socket where;
	struct arrival arrival;
};
#define NONE UINT32_MAX

struct takeover {
	int channel;
	uint32_t workers; /* that the old one has, or had */
	int file;
	struct handover_page *page; /* with the state behind it */
	size_t page_length;
	int plain_ends; /* file */
	struct lingerer tls[PLAIN_ENDS_USERS];
	uint32_t tls_count;
	struct connection *connections;
	size_t connection_count;
	size_t connection_room;
	struct channel_message received;
	struct handover_message message;
	struct event *end_event;
	void (*ready)(void);
};

/* Talking */

static void say(struct takeover *takeover, const struct handover_message *message)
{
	if (channel_send(takeover->channel, message, handover_length(message), NULL, 0) !=
	    CHANNEL_OK) {
		die("not taken over: the old process is gone");
	}
}

static void wait_for_word(struct takeover *takeover)
{
	struct pollfd channel = { .fd = takeover->channel, .events = POLLIN };
	const struct timespec patience = clock_timespec(PATIENCE_NS);
	int count;

	while ((count = ppoll(&channel, 1, &patience, NULL)) < 0 && errno == EINTR) {
		/* again */
	}
	if (count <= 0) {
		die("not taken over: the old process says nothing");
	}
}

/* The next that it says; its descriptors are in takeover->received. */
static const struct handover_message *listen_to(struct takeover *takeover)
{
	enum channel_result result;

	while ((result = channel_receive(takeover->channel, &takeover->received)) ==
	       CHANNEL_EMPTY) {
		wait_for_word(takeover);
	}
	if (result == CHANNEL_CLOSED || result == CHANNEL_FAILED) {
		die("not taken over: the old process has given it up");
	}
	if (result == CHANNEL_CUT) {
		die("not taken over: no more descriptors can be open here");
	}
	if (!handover_read(&takeover->received, &takeover->message)) {
		die("not taken over: the old process says what is not understood");
	}
	return &takeover->message;
}

static void must_be(bool good, const char *what)
{
	if (!good) {
		die("not taken over: %s", what);
	}
}

/* The beginning */

static int descriptor_of_channel(void)
{
	const char *text = getenv(HANDOVER_VARIABLE);
	struct stat status;
	int64_t number;

	if (!text) {
		return -1;
	}
	if (!words_number(span_of(text), 0, INT32_MAX, &number) ||
	    fstat((int)number, &status) != 0 || !S_ISSOCK(status.st_mode)) {
		die("%s=%s: must name a socket", HANDOVER_VARIABLE, text);
	}
	(void)unsetenv(HANDOVER_VARIABLE);
	(void)fcntl((int)number, F_SETFD, FD_CLOEXEC);
	return (int)number;
}

static struct listener_option *find_listener(struct options *options,
					     const struct handover_listener *open)
{
	for (size_t i = 0; i < options->listener_count; i++) {
		struct listener_option *listener = &options->listeners[i];

		if (listener->passed < 0 && listener->kind == open->kind &&
		    strncmp(listener->text, open->text, sizeof(open->text)) == 0) {
			return listener;
		}
	}
	return NULL;
}

/* One that the options do not have any more is closed, and so nobody listens there. */
static void take_listeners(struct options *options, const struct handover_welcome *welcome,
			   const struct channel_message *received)
{
	for (size_t i = 0; i < received->descriptor_count; i++) {
		struct listener_option *listener =
			i < welcome->listener_count && i < OPTIONS_LISTENERS_MAX
				? find_listener(options, &welcome->listeners[i])
				: NULL;

		if (listener) {
			listener->passed = received->descriptors[i];
		} else {
			close(received->descriptors[i]);
		}
	}
}

/* Who sits somewhere keeps the seat: there must be one. */
static void make_fit(struct options *options, const struct handover_welcome *welcome)
{
	must_be(welcome->workers > 0 && welcome->workers <= OPTIONS_WORKERS_MAX,
		"the old process has more workers than there may be");
	options->seats = options->seats < welcome->seats ? welcome->seats : options->seats;
	if (options->adopt != (welcome->adopt != 0)) {
		log_warning("--adopt stays as it was");
		options->adopt = welcome->adopt != 0;
	}
}

struct takeover *takeover_begin(struct options *options)
{
	const struct handover_message hello = {
		.kind = HANDOVER_HELLO,
		.hello = { .major = SNAPSHOT_MAJOR, .minor = SNAPSHOT_MINOR, .pid = getpid() }
	};
	int channel = descriptor_of_channel();

	if (channel < 0) {
		return NULL;
	}
	struct takeover *takeover = calloc(1, sizeof(*takeover));

	if (!takeover) {
		die("out of memory");
	}
	takeover->channel = channel;
	say(takeover, &hello);
	const struct handover_message *message = listen_to(takeover);

	must_be(message->kind == HANDOVER_WELCOME, "the old process does not welcome this one");
	must_be(strncmp(message->welcome.store, options->store, HANDOVER_STORE_SIZE - 1) == 0,
		"another store needs a restart");
	takeover->workers = message->welcome.workers;
	make_fit(options, &message->welcome);
	take_listeners(options, &message->welcome, &takeover->received);
	return takeover;
}

/* The state and the connections */

static void take_state(struct takeover *takeover)
{
	const struct channel_message *received = &takeover->received;

	must_be(received->descriptor_count >= 1, "the state did not come");
	takeover->file = received->descriptors[0];
	if (received->descriptor_count > 1) {
		lockfile_go_on_serving(received->descriptors[1]);
	}
}

static void take_tls(struct takeover *takeover)
{
	const struct handover_message *message = &takeover->message;
	const struct channel_message *received = &takeover->received;

	must_be(takeover->tls_count == 0 && message->count > 0 &&
			received->descriptor_count == HANDOVER_TLS_DESCRIPTORS(message->count),
		"the tls processes did not come");
	takeover->plain_ends = received->descriptors[0];
	for (uint32_t i = 0; i < message->count; i++) {
		const int *own = received->descriptors + HANDOVER_TLS_DESCRIPTORS(i);

		takeover->tls[i] = (struct lingerer){ message->tls.pids[i], own[0], own[1] };
	}
	takeover->tls_count = message->count;
}

static struct connection *add_connection(struct takeover *takeover)
{
	if (takeover->connection_count == takeover->connection_room) {
		takeover->connection_room =
			takeover->connection_room ? takeover->connection_room * 2 : 256;
		takeover->connections =
			realloc(takeover->connections,
				takeover->connection_room * sizeof(*takeover->connections));
	}
	if (!takeover->connections) {
		die("out of memory");
	}
	return &takeover->connections[takeover->connection_count++];
}

static void take_sockets(struct takeover *takeover, const struct shared_state *shared)
{
	const struct handover_message *message = &takeover->message;
	const bool seated = message->kind == HANDOVER_SOCKETS;

	must_be(takeover->received.descriptor_count == message->count,
		"some connections did not come");
	for (uint32_t i = 0; i < message->count; i++) {
		struct connection *connection = add_connection(takeover);

		*connection = (struct connection){ .socket = takeover->received.descriptors[i],
						   .where.worker = NONE };
		if (seated) {
			connection->where = message->sockets[i];
			must_be(connection->where.worker < shared->workers &&
					connection->where.seat < shared->seats,
				"a connection has no seat");
		} else {
			connection->arrival = message->arrivals[i];
			must_be(connection->arrival.kind < LISTENER_KINDS,
				"a connection is of no kind that there is");
		}
	}
}

static void receive_all(struct takeover *takeover, const struct shared_state *shared)
{
	const struct handover_message *message;

	while ((message = listen_to(takeover))->kind != HANDOVER_OFFER) {
		if (message->kind == HANDOVER_STATE) {
			take_state(takeover);
		} else if (message->kind == HANDOVER_TLS) {
			take_tls(takeover);
		} else if (message->kind == HANDOVER_SOCKETS ||
			   message->kind == HANDOVER_ACCEPTED) {
			take_sockets(takeover, shared);
		} else {
			die("not taken over: the old process says what is not understood");
		}
	}
}

static void restore(struct takeover *takeover, struct shared_state *shared)
{
	struct stat status;
	struct records records;
	char why[SNAPSHOT_WHY_SIZE];

	must_be(takeover->file > 0 && fstat(takeover->file, &status) == 0 &&
			status.st_size > HANDOVER_PAGE_SIZE,
		"the state did not come");
	unsigned char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
				    MAP_SHARED, takeover->file, 0);

	must_be(bytes != MAP_FAILED, "the state cannot be looked at");
	takeover->page = (struct handover_page *)(void *)bytes;
	takeover->page_length = (size_t)status.st_size;
	must_be(takeover->page->length == (size_t)status.st_size - HANDOVER_PAGE_SIZE,
		"the state is not whole");
	records_read(&records, bytes + HANDOVER_PAGE_SIZE, takeover->page->length);
	must_be(snapshot_read(shared, &records, why), why);
	close(takeover->file);
}

/* Those whose plain ends are of another form end, now that the old one is about to. */
static void give_tls(struct takeover *takeover, struct shared_state *shared,
		     struct lingering *lingering)
{
	const bool joined = takeover->tls_count > 0 &&
			    plain_ends_join(&shared->plain_ends, takeover->plain_ends);

	if (takeover->tls_count > 0 && !joined) {
		log_warning("TLS connections end: what is known of them is of another version");
	}
	for (uint32_t i = 0; i < takeover->tls_count; i++) {
		if (joined) {
			lingering_add(lingering, &takeover->tls[i]);
		} else {
			close(takeover->tls[i].channel);
			close(takeover->tls[i].descriptor);
		}
	}
}

/* A connection whose stream there is none of is over. */
static void give_connections(struct takeover *takeover, struct copies *copies,
			     struct dispatch *dispatch)
{
	for (size_t i = 0; i < takeover->connection_count; i++) {
		const struct connection *connection = &takeover->connections[i];

		if (connection->where.worker != NONE && copies) {
			copies_add(copies, connection->where.worker, connection->where.seat, 0,
				   connection->socket);
		} else if (connection->where.worker == NONE && dispatch) {
			dispatch_take(dispatch, connection->socket, &connection->arrival);
		} else {
			session_refuse(front_of(connection->arrival.kind), connection->socket);
		}
	}
	free(takeover->connections);
	takeover->connections = NULL;
}

void takeover_run(struct takeover *takeover, struct shared_state *shared, struct copies *copies,
		  struct dispatch *dispatch, struct lingering *lingering)
{
	const struct handover_message ready = { .kind = HANDOVER_READY };

	shared_state_use(shared, takeover->workers);
	say(takeover, &ready);
	receive_all(takeover, shared);
	restore(takeover, shared);
	must_be(handover_take(takeover->page), "the old process has taken it back");
	(void)munmap(takeover->page, takeover->page_length);
	give_tls(takeover, shared, lingering);
	give_connections(takeover, copies, dispatch);
}

/* The end */

static void on_end(evutil_socket_t channel, short what, void *argument)
{
	struct takeover *takeover = argument;

	(void)what;
	event_free(takeover->end_event);
	close(channel);
	takeover->ready();
	free(takeover);
}

void takeover_end(struct takeover *takeover, struct event_base *base, void (*ready)(void))
{
	const struct handover_message serving = { .kind = HANDOVER_SERVING };

	(void)channel_send(takeover->channel, &serving, handover_length(&serving), NULL, 0);
	takeover->ready = ready;
	takeover->end_event = event_new(base, takeover->channel, EV_READ, on_end, takeover);
	event_add(takeover->end_event, NULL);
}
