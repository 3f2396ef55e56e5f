#include "server/tls/terminator.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/session/proxy_header.h"
#include "server/session/trail.h"
#include "server/state/plain_ends.h"
#include "shared/base/log.h"
#include "shared/tls/context.h"
#include "shared/tls/relay.h"

#define ACCEPT_TURN     64 /* sockets accepted in one turn */
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS)
#define HANDSHAKES_TURN 8                   /* steps of handshakes in one turn */
#define LINGER_NS       (2 * NS_PER_SECOND) /* how long a peer may take to end after us */

enum phase {
	PHASE_HEADER, /* a trusted proxy has not said yet whose it is */
	PHASE_HANDSHAKE,
	PHASE_HANDING, /* its plain end is not handed on yet */
	PHASE_OPEN
};

TAILQ_HEAD(connections, connection);

struct connection {
	struct terminator *terminator;
	enum phase phase;
	struct arrival arrival;
	struct relay relay;
	int other_end;    /* of the plain pair, until it is handed on */
	int64_t until_ns; /* then it ends; 0: never */
	struct proxy_header header;
	struct event socket_reads, socket_writes, plain_reads, plain_writes;
	struct connections *queue; /* of those that have something to do; or NULL */
	TAILQ_ENTRY(connection) in_queue;
	TAILQ_ENTRY(connection) in_handshakes;
	TAILQ_ENTRY(connection) in_all;
};

struct terminator {
	struct event_base *base;
	const struct options *options;
	struct terminator_owner owner;
	SSL_CTX *const *servers;
	struct event *accepts[OPTIONS_LISTENERS_MAX];
	enum listener_kind kinds[OPTIONS_LISTENERS_MAX];
	size_t listener_count;
	int64_t accept_again_ns; /* 0: accepting is not paused */
	struct connections all;
	struct connections handshakes; /* oldest first */
	struct connections carrying;   /* open ones that have something to do */
	struct connections shaking;    /* handshakes that have */
	uint32_t count;
	uint32_t handshake_count;
	uint64_t taken;
	int64_t now_ns;
	struct trail trail;
	char buffer[RELAY_BUFFER_SIZE];
};

/* Queues */

static void unqueue(struct connection *connection)
{
	if (connection->queue) {
		TAILQ_REMOVE(connection->queue, connection, in_queue);
		connection->queue = NULL;
	}
}

/* It has something to do this turn. */
static void enqueue(struct connection *connection)
{
	struct terminator *terminator = connection->terminator;
	bool carries = connection->phase >= PHASE_HANDING;

	if (!connection->queue) {
		connection->queue = carries ? &terminator->carrying : &terminator->shaking;
		TAILQ_INSERT_TAIL(connection->queue, connection, in_queue);
	}
}

static void leave_handshakes(struct connection *connection)
{
	if (connection->phase < PHASE_HANDING) {
		TAILQ_REMOVE(&connection->terminator->handshakes, connection, in_handshakes);
		connection->terminator->handshake_count--;
	}
}

static void end(struct connection *connection)
{
	struct terminator *terminator = connection->terminator;

	unqueue(connection);
	leave_handshakes(connection);
	TAILQ_REMOVE(&terminator->all, connection, in_all);
	terminator->count--;
	event_del(&connection->socket_reads);
	event_del(&connection->socket_writes);
	if (connection->phase >= PHASE_HANDING) {
		event_del(&connection->plain_reads);
		event_del(&connection->plain_writes);
	}
	if (connection->other_end >= 0) {
		close(connection->other_end);
	}
	relay_finish(&connection->relay);
	if (terminator->owner.plain_ends) {
		plain_ends_give(terminator->owner.plain_ends, connection->arrival.plain);
	}
	free(connection);
}

/* What is said in the log of who is connected: merged, since strangers can make it happen. */
__attribute__((format(printf, 3, 4))) static void note(struct connection *connection,
						       enum trail_kind kind, const char *format,
						       ...)
{
	struct terminator *terminator = connection->terminator;
	char who[TRAIL_WHO_SIZE];
	va_list arguments;

	trail_who("somebody", connection->arrival.peer, who);
	va_start(arguments, format);
	trail_note(&terminator->trail, terminator->now_ns, who, kind, format, arguments);
	va_end(arguments);
}

/* What its descriptors say */

static void on_socket(evutil_socket_t socket, short what, void *argument)
{
	struct connection *connection = argument;

	(void)socket;
	if (what & EV_READ) {
		connection->relay.socket_readable = true;
	}
	if (what & EV_WRITE) {
		connection->relay.socket_full = false;
	}
	enqueue(connection);
}

static void on_plain(evutil_socket_t plain, short what, void *argument)
{
	struct connection *connection = argument;

	(void)plain;
	if (what & EV_READ) {
		connection->relay.plain_readable = true;
	}
	if (what & EV_WRITE) {
		connection->relay.plain_full = false;
	}
	enqueue(connection);
}

/* Room is only waited for when there was none: a plain side that reads would wake us each time. */
static void wait_for_room(struct connection *connection)
{
	if (connection->relay.socket_full) {
		event_add(&connection->socket_writes, NULL);
	}
	if (connection->relay.plain_full) {
		event_add(&connection->plain_writes, NULL);
	}
}

static void watch_plain(struct connection *connection)
{
	struct event_base *base = connection->terminator->base;
	int plain = connection->relay.plain;

	event_assign(&connection->plain_reads, base, plain, EV_READ | EV_PERSIST | EV_ET, on_plain,
		     connection);
	event_assign(&connection->plain_writes, base, plain, EV_WRITE | EV_ET, on_plain,
		     connection);
	event_add(&connection->plain_reads, NULL);
}

/* From accepted to open */

/* False: it has to wait. */
static bool hand_on(struct connection *connection)
{
	const struct terminator_owner *owner = &connection->terminator->owner;

	if (!owner->hand_on(owner->context, connection->other_end, &connection->arrival)) {
		return false;
	}
	connection->other_end = -1;
	connection->phase = PHASE_OPEN;
	return true;
}

/* Who serves it may be killed: the next one has to know what went through. */
static void count_plain(struct connection *connection)
{
	struct plain_ends *ends = connection->terminator->owner.plain_ends;

	if (ends) {
		connection->arrival.plain = plain_ends_take(ends);
		connection->relay.count = plain_ends_count(ends, connection->arrival.plain);
	}
}

static void open_plain(struct connection *connection)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
		log_warning("a TLS connection ends: no socket pair: %s", strerror(errno));
		end(connection);
		return;
	}
	leave_handshakes(connection);
	connection->phase = PHASE_HANDING;
	connection->until_ns = 0;
	relay_begin(&connection->relay, connection->relay.tls, connection->relay.socket, ends[0]);
	connection->other_end = ends[1];
	count_plain(connection);
	watch_plain(connection);
	enqueue(connection);
}

/* TLS takes memory: it is not begun before the peer has. */
static bool begin_tls(struct connection *connection)
{
	struct relay *relay = &connection->relay;

	if (!relay->tls) {
		relay->tls = SSL_new(connection->terminator->servers[connection->arrival.kind]);
		if (!relay->tls || SSL_set_fd(relay->tls, relay->socket) != 1) {
			return false;
		}
		SSL_set_accept_state(relay->tls);
	}
	return true;
}

static void shake_hands(struct connection *connection)
{
	char error[TLS_ERROR_SIZE];

	if (!begin_tls(connection)) {
		log_warning("a TLS connection ends: %s", tls_error(error));
		end(connection);
		return;
	}
	switch (tls_handshake(connection->relay.tls)) {
	case TLS_HANDSHAKE_DONE: open_plain(connection); break;
	case TLS_HANDSHAKE_READS: break;
	case TLS_HANDSHAKE_WRITES:
		connection->relay.socket_full = true;
		wait_for_room(connection);
		break;
	case TLS_HANDSHAKE_FAILED:
		log_debug("a TLS handshake failed: %s", tls_error(error));
		end(connection);
	}
}

/* Looked at first and then taken, so that the handshake behind it stays. */
static void read_header(struct connection *connection)
{
	char *bytes = connection->terminator->buffer;
	ssize_t got = recv(connection->relay.socket, bytes, RELAY_BUFFER_SIZE, MSG_PEEK);
	size_t used = 0;

	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			end(connection); /* a proxy that only looks whether we are there */
		}
		return;
	}
	enum proxy_result result =
		proxy_header_read(&connection->header, bytes, (size_t)got, &used);

	(void)recv(connection->relay.socket, bytes, used, 0);
	if (result == PROXY_WHOLE) {
		connection->arrival.peer = connection->header.names_peer ? connection->header.peer
									 : connection->arrival.peer;
		connection->phase = PHASE_HANDSHAKE;
		if ((size_t)got > used) {
			enqueue(connection);
		}
	} else if (result == PROXY_BAD) {
		note(connection, TRAIL_PROXY, "is a trusted proxy, but sent no PROXY header");
		end(connection);
	}
}

/* Turns */

static void carry(struct connection *connection)
{
	struct terminator *terminator = connection->terminator;

	if (connection->phase == PHASE_HANDING && !hand_on(connection)) {
		enqueue(connection);
		return;
	}
	switch (relay_carry(&connection->relay, terminator->buffer)) {
	case RELAY_OVER: end(connection); return;
	case RELAY_GOES_ON: enqueue(connection); break;
	case RELAY_WAITS: break;
	}
	if (connection->relay.out_ended && connection->until_ns == 0) {
		connection->until_ns = terminator->now_ns + LINGER_NS;
	}
	wait_for_room(connection);
}

static struct connection *take_first(struct connections *queue)
{
	struct connection *connection = TAILQ_FIRST(queue);

	unqueue(connection);
	return connection;
}

/* Those that were ready when it began: who has more to do comes again next turn. */
static void carry_all(struct terminator *terminator)
{
	struct connections ready = TAILQ_HEAD_INITIALIZER(ready);
	struct connection *connection;

	TAILQ_CONCAT(&ready, &terminator->carrying, in_queue);
	TAILQ_FOREACH(connection, &ready, in_queue)
	{
		connection->queue = &ready;
	}
	while (!TAILQ_EMPTY(&ready)) {
		carry(take_first(&ready));
	}
}

static void go_on_accepting(struct terminator *terminator)
{
	terminator->accept_again_ns = 0;
	for (size_t i = 0; i < terminator->listener_count; i++) {
		event_add(terminator->accepts[i], NULL);
	}
}

bool terminator_turn(struct terminator *terminator, int64_t now_ns)
{
	terminator->now_ns = now_ns;
	carry_all(terminator);
	for (int i = 0; i < HANDSHAKES_TURN && !TAILQ_EMPTY(&terminator->shaking); i++) {
		struct connection *connection = take_first(&terminator->shaking);

		if (connection->phase == PHASE_HEADER) {
			read_header(connection);
		} else {
			shake_hands(connection);
		}
	}
	if (terminator->accept_again_ns != 0 && now_ns >= terminator->accept_again_ns) {
		go_on_accepting(terminator);
	}
	return !TAILQ_EMPTY(&terminator->carrying) || !TAILQ_EMPTY(&terminator->shaking);
}

/* Its time is over: for its handshake, or to end after us. */
static void end_late(struct connection *connection)
{
	if (connection->phase == PHASE_HEADER) {
		note(connection, TRAIL_PROXY,
		     "is a trusted proxy, but sent no whole PROXY header in 10 s");
	} else if (connection->phase == PHASE_HANDSHAKE) {
		log_debug("a TLS handshake took too long");
	}
	end(connection);
}

void terminator_tick(struct terminator *terminator, int64_t now_ns)
{
	struct connection *connection, *next;

	terminator->now_ns = now_ns;
	trail_tick(&terminator->trail, now_ns);
	for (connection = TAILQ_FIRST(&terminator->all); connection; connection = next) {
		next = TAILQ_NEXT(connection, in_all);
		if (connection->until_ns != 0 && connection->until_ns <= now_ns) {
			end_late(connection);
		}
	}
}

/* Accepting */

static uint32_t handshakes_from(const struct terminator *terminator, struct peer_address peer)
{
	struct peer_address owner = peer_address_owner(peer);
	const struct connection *connection;
	uint32_t count = 0;

	TAILQ_FOREACH(connection, &terminator->handshakes, in_handshakes)
	{
		/* cppcheck-suppress uninitvar */
		count += peer_address_equal(peer_address_owner(connection->arrival.peer), owner);
	}
	return count;
}

/* One more handshake: from its address, and in all. A proxy's are those of many. */
static bool has_room_for(struct terminator *terminator, const struct connection *connection)
{
	if (connection->phase != PHASE_HEADER &&
	    handshakes_from(terminator, connection->arrival.peer) >= TERMINATOR_HANDSHAKES_SHARE) {
		return false;
	}
	if (terminator->handshake_count >= TERMINATOR_HANDSHAKES_MOST) {
		end(TAILQ_FIRST(&terminator->handshakes));
	}
	return true;
}

static void watch_socket(struct connection *connection)
{
	struct event_base *base = connection->terminator->base;
	int socket = connection->relay.socket;

	event_assign(&connection->socket_reads, base, socket, EV_READ | EV_PERSIST | EV_ET,
		     on_socket, connection);
	event_assign(&connection->socket_writes, base, socket, EV_WRITE | EV_ET, on_socket,
		     connection);
	event_add(&connection->socket_reads, NULL);
}

void terminator_take(struct terminator *terminator, int socket, const struct arrival *arrival)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(socket);
		return;
	}
	connection->terminator = terminator;
	connection->phase =
		options_trust(terminator->options, arrival->peer) ? PHASE_HEADER : PHASE_HANDSHAKE;
	connection->arrival = *arrival;
	connection->relay.socket = socket;
	connection->relay.plain = connection->other_end = -1;
	connection->until_ns = clock_monotonic_ns() + TERMINATOR_HANDSHAKE_NS;
	if (!has_room_for(terminator, connection)) {
		note(connection, TRAIL_HANDSHAKES, "has %d TLS handshakes under way already",
		     TERMINATOR_HANDSHAKES_SHARE);
		close(socket);
		free(connection);
		return;
	}
	TAILQ_INSERT_TAIL(&terminator->all, connection, in_all);
	TAILQ_INSERT_TAIL(&terminator->handshakes, connection, in_handshakes);
	terminator->count++;
	terminator->handshake_count++;
	terminator->taken++;
	watch_socket(connection);
}

static void pause_accepting(struct terminator *terminator)
{
	log_warning("no more descriptors: accepting TLS pauses");
	terminator->accept_again_ns = terminator->now_ns + ACCEPT_PAUSE_NS;
	for (size_t i = 0; i < terminator->listener_count; i++) {
		event_del(terminator->accepts[i]);
	}
}

static enum listener_kind kind_of(const struct terminator *terminator, int listener)
{
	for (size_t i = 0; i < terminator->listener_count; i++) {
		if (event_get_fd(terminator->accepts[i]) == listener) {
			return terminator->kinds[i];
		}
	}
	bug("descriptor %d is no listener", listener);
}

static void on_accept(evutil_socket_t listener, short what, void *argument)
{
	struct terminator *terminator = argument;
	enum listener_kind kind = kind_of(terminator, listener);
	int64_t now_ns = clock_monotonic_ns();

	(void)what;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int socket = accept4(listener, (struct sockaddr *)&address, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (socket >= 0) {
			const struct arrival arrival = { .peer = peer_address_of(&address),
							 .own = endpoint_of(socket),
							 .kind = (uint16_t)kind,
							 .before_ns = now_ns };

			terminator_take(terminator, socket, &arrival);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			pause_accepting(terminator);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

void terminator_listen(struct terminator *terminator, int listener, enum listener_kind kind)
{
	struct event *accepts =
		event_new(terminator->base, listener, EV_READ | EV_PERSIST, on_accept, terminator);

	if (!accepts) {
		die("out of memory");
	}
	terminator->kinds[terminator->listener_count] = kind;
	terminator->accepts[terminator->listener_count++] = accepts;
	event_add(accepts, NULL);
}

struct terminator *terminator_create(struct event_base *base, const struct options *options,
				     const struct terminator_owner *owner,
				     SSL_CTX *const servers[LISTENER_KINDS])
{
	struct terminator *terminator = calloc(1, sizeof(*terminator));

	if (!terminator) {
		die("out of memory");
	}
	terminator->base = base;
	terminator->options = options;
	terminator->owner = *owner;
	terminator->servers = servers;
	terminator->now_ns = clock_monotonic_ns();
	TAILQ_INIT(&terminator->all);
	TAILQ_INIT(&terminator->handshakes);
	TAILQ_INIT(&terminator->carrying);
	TAILQ_INIT(&terminator->shaking);
	return terminator;
}

void terminator_accept_no_more(struct terminator *terminator)
{
	terminator->accept_again_ns = 0;
	for (size_t i = 0; i < terminator->listener_count; i++) {
		event_free(terminator->accepts[i]);
	}
	terminator->listener_count = 0;
}

void terminator_drain(struct terminator *terminator)
{
	struct connection *connection;

	terminator_accept_no_more(terminator);
	while ((connection = TAILQ_FIRST(&terminator->handshakes))) {
		end(connection); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the list */
	}
}

uint32_t terminator_count(const struct terminator *terminator)
{
	return terminator->count;
}

uint32_t terminator_handshakes(const struct terminator *terminator)
{
	return terminator->handshake_count;
}

uint64_t terminator_taken(const struct terminator *terminator)
{
	return terminator->taken;
}

void terminator_destroy(struct terminator *terminator)
{
	struct connection *connection;

	terminator_drain(terminator);
	while ((connection = TAILQ_FIRST(&terminator->all))) {
		end(connection); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the list */
	}
	trail_finish(&terminator->trail);
	free(terminator);
}
