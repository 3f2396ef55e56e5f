#include "server/process/tls.h"

#include <string.h>

#include "server/process/worker.h"

struct tls_reload tls_reload_of(const struct options *options)
{
	struct tls_reload reload = { .kind = MESSAGE_RELOAD,
				     .proxy_count = (uint32_t)options->proxy_count,
				     .drain_ns = options->drain_ns,
				     .log_level = options->log_level,
				     .log_format = options->log_format };

	memcpy(reload.proxies, options->proxies, sizeof(reload.proxies));
	return reload;
}

#ifdef TURNSTILE_WITH_TLS

#include <errno.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener_option.h"
#include "server/process/bind.h"
#include "server/tls/terminator.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

#define RETRY_NS       (10 * NS_PER_MS)       /* when the master took no more */
#define TICKET_KEYS_NS (3600 * NS_PER_SECOND) /* until the keys of tickets change */

struct tls_process {
	const struct worker_start *start;
	struct options options; /* as the master has them: it tells of what changes */
	struct score *score;
	struct score private_score; /* once it lingers */
	struct plain_ends *plain_ends;
	struct event_base *base;
	struct ssl_ctx_st *servers[LISTENER_KINDS];
	int64_t tickets_until_ns; /* then their keys change */
	struct terminator *terminator;
	struct event *channel_event;
	struct event *tick_event;
	struct event *retry_event;
	bool finished;
	bool draining;
	bool lingers;
	int64_t drain_until_ns;
	struct worker_message sockets; /* plain ends for the master, sent together */
	int descriptors[CHANNEL_DESCRIPTORS_MAX];
	struct channel_message received;
};

/* Plain ends go to the master */

static bool take_plain_end(void *context, int plain, const struct arrival *arrival)
{
	struct tls_process *process = context;
	struct worker_message *sockets = &process->sockets;

	if (sockets->count == CHANNEL_DESCRIPTORS_MAX) {
		return false;
	}
	process->descriptors[sockets->count] = plain;
	sockets->arrivals[sockets->count++] = *arrival;
	return true;
}

/*
 * Sent ends are closed here: one that does not arrive ends its connection, and no other. False: the
 * master takes no more for now.
 */
static bool hand_on(struct tls_process *process)
{
	struct worker_message *sockets = &process->sockets;
	const struct timeval retry = { .tv_usec = RETRY_NS / NS_PER_US };

	if (sockets->count == 0) {
		return true;
	}
	enum channel_result result = channel_send(process->start->channel, sockets,
						  WORKER_MESSAGE_LENGTH(sockets->count),
						  process->descriptors, sockets->count);

	if (result == CHANNEL_FULL) {
		event_add(process->retry_event, &retry);
		return false;
	}
	if (result != CHANNEL_OK) {
		log_error("the master cannot be told: %s", strerror(errno));
		process->finished = true;
	}
	for (uint32_t i = 0; i < sockets->count; i++) {
		close(process->descriptors[i]);
	}
	sockets->count = 0;
	return true;
}

/* What accepts, anew */

static bool is_listened_to(const struct options *options, enum listener_kind kind)
{
	for (size_t i = 0; i < options->listener_count; i++) {
		if (options->listeners[i].kind == kind) {
			return listener_kind_is_tls(kind);
		}
	}
	return false;
}

static void free_servers(struct ssl_ctx_st **servers)
{
	for (enum listener_kind kind = 0; kind < LISTENER_KINDS; kind++) {
		SSL_CTX_free(servers[kind]);
		servers[kind] = NULL;
	}
}

/* All, or none and false. */
static bool make_servers(const struct options *options, const struct key_pair *key_pair,
			 struct ssl_ctx_st **servers)
{
	for (enum listener_kind kind = 0; kind < LISTENER_KINDS; kind++) {
		if (is_listened_to(options, kind) &&
		    !(servers[kind] =
			      key_pair_server(key_pair, options, listener_kind_alpn(kind)))) {
			free_servers(servers);
			return false;
		}
	}
	return true;
}

/* Connections that are there have a share in what accepted them. */
static void replace_servers(struct tls_process *process, const struct key_pair *key_pair)
{
	struct ssl_ctx_st *fresh[LISTENER_KINDS] = { NULL };

	if (make_servers(&process->options, key_pair, fresh)) {
		free_servers(process->servers);
		memcpy(process->servers, fresh, sizeof(fresh));
		process->tickets_until_ns = clock_monotonic_ns() + TICKET_KEYS_NS;
	}
}

static void take_reload(struct tls_process *process)
{
	const struct channel_message *received = &process->received;
	struct options *options = &process->options;
	struct tls_reload reload;

	memcpy(&reload, received->bytes, sizeof(reload));
	memcpy(options->proxies, reload.proxies, sizeof(options->proxies));
	options->proxy_count = reload.proxy_count;
	options->drain_ns = reload.drain_ns;
	log_set(reload.log_level, reload.log_format);
	if (received->descriptor_count == 2) {
		const struct key_pair key_pair = { received->descriptors[0],
						   received->descriptors[1] };

		replace_servers(process, &key_pair);
	}
}

/* Ending */

static void close_listeners(const struct tls_process *process)
{
	for (size_t i = 0; i < process->start->listener_count; i++) {
		if (listener_kind_is_tls(process->options.listeners[i].kind)) {
			close(process->start->listeners[i]);
		}
	}
}

static void start_draining(struct tls_process *process)
{
	if (process->draining) {
		return;
	}
	process->draining = true;
	process->drain_until_ns = clock_monotonic_ns() + process->options.drain_ns;
	atomic_store(&process->score->state, WORKER_DRAINING);
	terminator_drain(process->terminator);
	if (!process->lingers) {
		close_listeners(process);
	}
}

/* What the processes of its own binary shared is of no use any more, and can be large. */
static void start_lingering(struct tls_process *process)
{
	if (process->lingers || process->draining) {
		return;
	}
	process->lingers = true;
	terminator_accept_no_more(process->terminator);
	close_listeners(process);
	process->score = &process->private_score;
	memory_finish(&process->start->shared->memory);
	log_info("lingers with %u connections", terminator_count(process->terminator));
}

static bool has_ended(const struct tls_process *process, int64_t now_ns)
{
	const bool leaves = process->draining || process->lingers;

	return (leaves && terminator_count(process->terminator) == 0) ||
	       (process->draining && now_ns >= process->drain_until_ns);
}

/* Events */

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct tls_process *process = argument;
	enum channel_result result = channel_receive(channel, &process->received);
	struct worker_message message = { .count = 0 };

	(void)what;
	if (result == CHANNEL_EMPTY) {
		return;
	}
	if (result != CHANNEL_OK || process->received.length < sizeof(message.kind)) {
		process->finished = true; /* the master is gone */
		return;
	}
	memcpy(&message.kind, process->received.bytes, sizeof(message.kind));
	if (message.kind == MESSAGE_DRAIN) {
		start_draining(process);
	} else if (message.kind == MESSAGE_LINGER) {
		start_lingering(process);
	} else if (message.kind == MESSAGE_RELOAD &&
		   process->received.length == sizeof(struct tls_reload)) {
		take_reload(process);
	}
	for (size_t i = 0; i < process->received.descriptor_count; i++) {
		close(process->received.descriptors[i]);
	}
}

/* What an old ticket's connection said stays secret when its key is lost: so none lasts. */
static void change_ticket_keys(struct tls_process *process, int64_t now_ns)
{
	if (now_ns < process->tickets_until_ns) {
		return;
	}
	process->tickets_until_ns = now_ns + TICKET_KEYS_NS;
	for (enum listener_kind kind = 0; kind < LISTENER_KINDS; kind++) {
		if (process->servers[kind]) {
			key_pair_change_ticket_keys(process->servers[kind]);
		}
	}
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct tls_process *process = argument;
	int64_t now_ns = clock_monotonic_ns();

	(void)descriptor;
	(void)what;
	atomic_store(&process->score->heartbeat_ns, now_ns);
	plain_ends_beat(process->plain_ends, now_ns, terminator_count(process->terminator));
	terminator_tick(process->terminator, now_ns);
	change_ticket_keys(process, now_ns);
}

static void on_retry(evutil_socket_t descriptor, short what, void *argument)
{
	(void)descriptor;
	(void)what;
	(void)argument; /* being awake is all */
}

/* The loop */

static void note(struct tls_process *process)
{
	atomic_store_explicit(&process->score->connections, terminator_count(process->terminator),
			      memory_order_relaxed);
	atomic_store_explicit(&process->score->counters[COUNTER_ACCEPTED],
			      process->start->accepted_before +
				      terminator_taken(process->terminator),
			      memory_order_relaxed);
}

static void run(struct tls_process *process)
{
	bool more = false;

	while (!process->finished) {
		(void)event_base_loop(process->base, more ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
		int64_t now_ns = clock_monotonic_ns();

		more = terminator_turn(process->terminator, now_ns);
		more = hand_on(process) && more;
		note(process);
		process->finished |= has_ended(process, now_ns);
	}
}

/* Beginning */

static void make_events(struct tls_process *process)
{
	const struct timeval second = { .tv_sec = 1 };
	const struct worker_start *start = process->start;
	const struct options *options = &process->options;
	const struct terminator_owner owner = { take_plain_end, process, process->plain_ends };

	process->base = event_base_new();
	if (!process->base) {
		die("the event loop cannot be made");
	}
	process->channel_event =
		event_new(process->base, start->channel, EV_READ | EV_PERSIST, on_channel, process);
	process->tick_event = event_new(process->base, -1, EV_PERSIST, on_tick, process);
	process->retry_event = event_new(process->base, -1, 0, on_retry, process);
	event_add(process->channel_event, NULL);
	event_add(process->tick_event, &second);
	process->terminator = terminator_create(process->base, options, &owner, process->servers);
	for (size_t i = 0; i < start->listener_count; i++) {
		if (listener_kind_is_tls(options->listeners[i].kind)) {
			terminator_listen(process->terminator, start->listeners[i],
					  options->listeners[i].kind);
		}
	}
}

/* The files are read before the sandbox closes them off. False: they cannot be used any more. */
static bool begin(struct tls_process *process, const struct worker_start *start)
{
	log_rename("tls");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* these may reach the whole group: the master decides */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	process->start = start;
	process->options = *start->shared->options;
	process->score = &start->shared->scoreboard->scores[start->number];
	process->plain_ends = &start->shared->plain_ends;
	process->sockets.kind = MESSAGE_SOCKETS;
	process->tickets_until_ns = clock_monotonic_ns() + TICKET_KEYS_NS;
	if (!make_servers(&process->options, &start->key_pair, process->servers)) {
		return false;
	}
	if (!plain_ends_enter(process->plain_ends, getpid())) {
		log_error("there are %d such processes already", PLAIN_ENDS_USERS);
		return false;
	}
	plain_ends_beat(process->plain_ends, clock_monotonic_ns(), 0);
	make_events(process);
	atomic_store(&process->score->sandbox, bind_to_role(SANDBOX_TLS, start->shared->options));
	return true;
}

int tls_run(void *argument)
{
	struct tls_process *process = calloc(1, sizeof(*process));
	const struct worker_message ready = { .kind = MESSAGE_READY };

	if (!process) {
		die("out of memory");
	}
	if (!begin(process, argument) ||
	    channel_send(process->start->channel, &ready, WORKER_MESSAGE_LENGTH(0), NULL, 0) !=
		    CHANNEL_OK) {
		return 1; /* NOLINT(clang-analyzer-unix.Malloc): the process ends with it */
	}
	run(process);
	terminator_destroy(process->terminator);
	atomic_store(&process->score->connections, 0);
	return process->draining || process->lingers ? 0 : 1;
}

#else

int tls_run(void *start)
{
	(void)start;
	return 1;
}

#endif
