#include "server/process/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/booking/boxoffice.h"
#include "server/booking/clerk.h"
#include "server/config/listener_option.h"
#include "server/process/bind.h"
#include "server/process/core.h"
#include "server/process/fronts.h"
#include "server/session/crash_order.h"
#include "server/session/session.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

#define TICK_NS      NS_PER_SECOND /* heart beats, and what is only looked at now and then */
#define ACCEPT_TURN  64            /* sockets accepted in one turn */
#define ACCEPT_PAUSE (100 * NS_PER_MS)
#define ACCEPT_AGAIN (10 * NS_PER_MS) /* when the master had not read what it was told */

/* Who is to leave its sessions to another does so then, settled or not: it could be killed, too. */
#define YIELD_NS       NS_PER_SECOND
#define YIELD_CLERK_NS (250 * NS_PER_MS) /* of it, for answers that are on their way */
/* For its clerk's batch, where no other worker comes that could settle it: slot.h gives five. */
#define YIELD_BATCH_NS (3 * NS_PER_SECOND)

/* What only the loop itself needs. */
struct loop {
	struct core core;
	struct clerk *clerk;
	uint32_t adopted; /* sessions of its predecessor */
	bool draining;
	bool yielding;
	bool settles; /* its clerk's batch, before it leaves */
	bool finished;
	const struct worker_start *start;
	struct event *channel_event;
	struct event *wake_event;
	struct event *tick_event;
	struct event *turn_event; /* ends a sleep in time for what is due */
	struct event *accept_events[OPTIONS_LISTENERS_MAX];
	int64_t drain_until_ns;
	int64_t yield_until_ns;
	int64_t accept_again_ns;
	uint64_t accepted; /* sockets, by itself */
	struct channel_message message;
};

/* Sockets */

static void count_connections(struct turn *turn)
{
	atomic_store_explicit(&turn->score->connections, turn->sessions->count,
			      memory_order_relaxed);
}

static bool is_full(const struct turn *turn)
{
	const struct shared_state *shared = turn->shared;

	return scoreboard_connections(shared->scoreboard) >= shared->options->max_connections;
}

static void note_full(struct turn *turn, struct peer_address peer)
{
	char who[TRAIL_WHO_SIZE];

	trail_who("", peer, who);
	session_note_of(turn, who, TRAIL_FULL,
			"was not let in: the server has %u connections, which is the most",
			turn->shared->options->max_connections);
}

/* Takes a connected, non-blocking socket over; returns its seat, or NO_SEAT. */
static uint32_t take_socket(struct loop *loop, const struct session_socket *socket)
{
	const struct front *front = front_of(socket->kind);
	struct turn *turn = &loop->core.turn;
	const struct session *session = NULL;

	score_add(turn->score, COUNTER_ACCEPTED, 1);
	bool full = !loop->draining && is_full(turn);

	if (full) {
		note_full(turn, socket->peer);
	}
	if (loop->draining || full) {
		session_refuse(front, socket->descriptor);
	} else if (!listener_kind_is_tls(socket->kind) &&
		   options_trust(turn->shared->options, socket->peer)) {
		session = session_open_proxied(turn, front, socket);
	} else {
		session = session_open(turn, front, socket);
	}
	count_connections(turn);
	return session ? session->index : NO_SEAT;
}

static void send_master(struct loop *loop, const struct worker_message *message, size_t seats,
			const int *copy)
{
	size_t length = offsetof(struct worker_message, seats) + seats * sizeof(*message->seats);

	if (channel_send(loop->start->channel, message, length, copy, copy ? 1 : 0) ==
	    CHANNEL_FAILED) {
		log_error("the master cannot be told: %s", strerror(errno));
	}
}

static void tell_master(struct loop *loop, enum worker_message_kind kind, uint64_t number,
			uint32_t count)
{
	const struct worker_message message = { .kind = kind, .number = number, .count = count };

	send_master(loop, &message, 0, NULL);
}

/*
 * The master hands those of a dead worker that it did not acknowledge to another, but for those
 * that have a stream by then.
 */
static void take_sockets(struct loop *loop, const struct worker_message *message)
{
	const struct channel_message *received = &loop->message;
	const size_t count = received->descriptor_count;
	struct worker_message answer = {
		.kind = count == message->count ? MESSAGE_TAKEN : MESSAGE_REFUSED,
		.number = message->number,
		.count = (uint32_t)count,
	};

	for (size_t i = 0; i < count; i++) {
		const struct arrival *arrival = &message->arrivals[i];
		const struct session_socket socket = { .descriptor = received->descriptors[i],
						       .kind = (uint8_t)arrival->kind,
						       .handoff = HANDOFF_OF(message->number, i),
						       .peer = arrival->peer,
						       .own = arrival->own,
						       .plain = arrival->plain };

		loop->core.turn.accepted_ns = arrival->before_ns;

		answer.seats[i] = take_socket(loop, &socket);
	}
	send_master(loop, &answer, count, NULL);
}

/* The master gets a copy of what was accepted here. */
static void take_accepted(struct loop *loop, struct session_socket *socket)
{
	const struct turn *turn = &loop->core.turn;
	struct worker_message message = { .kind = MESSAGE_ACCEPTED, .count = 1 };

	message.number = socket->handoff = HANDOFF_OF(++loop->accepted, 0);
	message.seats[0] = take_socket(loop, socket);
	if (message.seats[0] != NO_SEAT && turn->shared->options->adopt) {
		const struct session *session = turn->sessions->table[message.seats[0]];

		if (session->state != SESSION_ENDED) {
			send_master(loop, &message, 1, &session->socket);
		}
	}
}

/* From all listeners, but for those of TLS. */
static void set_accepting(struct loop *loop, bool on)
{
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		if (loop->accept_events[i] && on) {
			event_add(loop->accept_events[i], NULL);
		} else if (loop->accept_events[i]) {
			event_del(loop->accept_events[i]);
		}
	}
}

static void start_draining(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;

	if (loop->draining) {
		return;
	}
	loop->draining = true;
	atomic_store(&turn->score->state, WORKER_DRAINING);
	loop->drain_until_ns = turn_now_ns(turn) + turn->shared->options->drain_ns;
	loop->accept_again_ns = 0;
	set_accepting(loop, false);
	sessions_drain(turn);
}

static void start_yielding(struct loop *loop, bool settles)
{
	if (!loop->yielding && !loop->draining) {
		loop->yielding = true;
		loop->settles = settles;
		loop->yield_until_ns = turn_now_ns(&loop->core.turn) + YIELD_NS;
		loop->accept_again_ns = 0;
		set_accepting(loop, false);
	}
}

/* One message a call: a second look, nearly always in vain, would cost a system call a message. */
static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct loop *loop = argument;
	enum channel_result result = channel_receive(channel, &loop->message);
	struct worker_message message = { .count = 0 };
	size_t length = loop->message.length;

	(void)what;
	if (result == CHANNEL_EMPTY) {
		return;
	}
	if (result != CHANNEL_OK && result != CHANNEL_CUT) {
		loop->finished = true; /* the master is gone */
		return;
	}
	memcpy(&message, loop->message.bytes, length < sizeof(message) ? length : sizeof(message));
	if (message.kind == MESSAGE_SOCKETS) {
		take_sockets(loop, &message);
	} else if (message.kind == MESSAGE_DRAIN) {
		start_draining(loop);
	} else if (message.kind == MESSAGE_YIELD) {
		start_yielding(loop, message.count > 0);
	}
}

/* Accepting by oneself (--dispatch accept) */

static void pause_accepting(struct loop *loop, int64_t pause_ns)
{
	loop->accept_again_ns = turn_now_ns(&loop->core.turn) + pause_ns;
	set_accepting(loop, false);
}

/* Whether the master can be given copies of what is accepted: else they would end with us. */
static bool master_reads(const struct loop *loop)
{
	struct pollfd channel = { .fd = loop->start->channel, .events = POLLOUT };

	return poll(&channel, 1, 0) != 0;
}

static void go_on_accepting(struct loop *loop)
{
	loop->accept_again_ns = 0;
	set_accepting(loop, true);
}

static void on_accept(evutil_socket_t group, short what, void *argument)
{
	struct loop *loop = argument;
	struct epoll_event ready;

	(void)what;
	if (epoll_wait(group, &ready, 1, 0) != 1) {
		return; /* another worker was faster */
	}
	if (!master_reads(loop)) {
		pause_accepting(loop, ACCEPT_AGAIN);
		return;
	}
	size_t listener = ready.data.u64;
	enum listener_kind kind = loop->core.turn.shared->options->listeners[listener].kind;

	loop->core.turn.accepted_ns = turn_now_ns(&loop->core.turn);
	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int socket = accept4(loop->start->listeners[listener], (struct sockaddr *)&address,
				     &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (socket >= 0) {
			take_accepted(loop, &(struct session_socket){
						    .descriptor = socket,
						    .kind = (uint8_t)kind,
						    .peer = peer_address_of(&address) });
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			log_warning("no more descriptors: accepting pauses");
			pause_accepting(loop, ACCEPT_PAUSE);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/*
 * Each listener is in an epoll set of its own, with EPOLLEXCLUSIVE, so that a new connection wakes
 * one worker and not all: libevent's own set knows no such flag.
 */
static void listen_to(struct loop *loop, size_t listener)
{
	int group = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = listener };

	if (group < 0 ||
	    epoll_ctl(group, EPOLL_CTL_ADD, loop->start->listeners[listener], &wanted) < 0) {
		die("a listener cannot be watched: %s", strerror(errno));
	}
	loop->accept_events[listener] =
		event_new(loop->core.turn.base, group, EV_READ | EV_PERSIST, on_accept, loop);
	event_add(loop->accept_events[listener], NULL);
}

/* The turn */

static void on_wake(evutil_socket_t descriptor, short what, void *argument)
{
	(void)descriptor;
	(void)what;
	(void)argument; /* being awake is all */
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct loop *loop = argument;
	struct turn *turn = &loop->core.turn;

	(void)descriptor;
	(void)what;
	log_tick();
	atomic_store(&turn->score->heartbeat_ns, turn_now_ns(turn));
	core_tick(&loop->core);
}

/* It is to end with its last connection, and that is over, with all that was asked of the clerk. */
static bool has_retired(const struct loop *loop)
{
	return loop->start->retires && !loop->yielding && !loop->draining &&
	       core_is_idle(&loop->core);
}

static void leave(struct loop *loop)
{
	const bool settled = clerk_yield(loop->clerk, YIELD_CLERK_NS,
					 loop->settles ? YIELD_BATCH_NS : YIELD_CLERK_NS);

	core_leave(&loop->core);
	if (settled) {
		tell_master(loop, MESSAGE_LEFT, 0, 0);
	}
	loop->finished = true;
}

static void end_turn(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;

	core_turn(&loop->core);
	if (crash_order_turn(turn)) {
		tell_master(loop, MESSAGE_CRASH, 0, 0);
	}
	count_connections(turn);
	if (loop->accept_again_ns && turn_now_ns(turn) >= loop->accept_again_ns) {
		go_on_accepting(loop);
	}
	if (loop->draining &&
	    (turn->sessions->count == 0 || turn_now_ns(turn) >= loop->drain_until_ns)) {
		loop->finished = true;
	}
	loop->finished |= has_retired(loop);
	if (loop->yielding &&
	    (core_yield(&loop->core) || turn_now_ns(turn) >= loop->yield_until_ns)) {
		leave(loop);
	}
}

/* How long the loop may sleep at most, in nanoseconds; -1: until something happens. */
static int64_t sleep_at_most(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;
	int64_t due_ns = core_due_ns(&loop->core);

	if (loop->accept_again_ns && loop->accept_again_ns < due_ns) {
		due_ns = loop->accept_again_ns;
	}
	if (loop->draining && loop->drain_until_ns < due_ns) {
		due_ns = loop->drain_until_ns;
	}
	if (loop->yielding && loop->yield_until_ns < due_ns) {
		due_ns = loop->yield_until_ns;
	}
	if (due_ns == INT64_MAX) {
		return -1;
	}
	return due_ns > turn_now_ns(turn) ? due_ns - turn_now_ns(turn) : 0;
}

static void set_alarm(struct loop *loop, int64_t delay_ns)
{
	if (delay_ns >= 0) {
		const struct timeval delay = {
			.tv_sec = (time_t)(delay_ns / NS_PER_SECOND),
			.tv_usec = (suseconds_t)(delay_ns % NS_PER_SECOND / NS_PER_US + 1)
		};

		event_add(loop->turn_event, &delay);
	}
}

static void run_turn(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;
	struct waker *waker = &turn->score->waker;
	int flags = EVLOOP_ONCE;

	waker_arm(waker);
	if (core_has_news(&loop->core)) {
		waker_disarm(waker);
		flags = EVLOOP_NONBLOCK;
	} else {
		set_alarm(loop, sleep_at_most(loop));
	}
	turn_forget_time(turn);
	(void)event_base_loop(turn->base, flags);
	waker_disarm(waker);
	end_turn(loop);
}

/* From birth to end */

/*
 * No EPOLL_USE_CHANGELIST: it would take a socket out of the epoll set only after we closed it, too
 * late while the master still has its copy. No PRECISE_TIMER: it costs a system call a turn.
 */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config) {
		die("out of memory");
	}
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(config, EV_FEATURE_ET);
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	if (!base) {
		die("the event loop cannot be made");
	}
	return base;
}

static void make_events(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;
	const struct timeval tick = { .tv_sec = TICK_NS / NS_PER_SECOND };

	turn->base = make_base();
	loop->channel_event =
		event_new(turn->base, loop->start->channel, EV_READ | EV_PERSIST, on_channel, loop);
	loop->wake_event = event_new(turn->base, turn->score->waker.descriptor,
				     EV_READ | EV_PERSIST | EV_ET, on_wake, loop);
	loop->tick_event = event_new(turn->base, -1, EV_PERSIST, on_tick, loop);
	loop->turn_event = event_new(turn->base, -1, 0, on_wake, loop);
	event_add(loop->channel_event, NULL);
	event_add(loop->wake_event, NULL);
	event_add(loop->tick_event, &tick);
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		if (!listener_kind_is_tls(turn->shared->options->listeners[i].kind)) {
			listen_to(loop, i);
		}
	}
}

/* Before the store is opened and a thread is started: all that comes is bound. */
static void enter_sandbox(const struct turn *turn)
{
	const struct options *options = turn->shared->options;
	bool opens_store = options->serialize != SERIALIZE_JOIN;

	atomic_store(&turn->score->sandbox,
		     bind_to_role(opens_store ? SANDBOX_WORKER : SANDBOX_TELLER, options));
}

static void begin(struct loop *loop, const struct worker_start *start)
{
	struct turn *turn = &loop->core.turn;

	log_rename(start->name);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* these may reach the whole group: the master decides */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	loop->start = start;
	core_init(&loop->core, start->shared, start->number);
	core_keep(&loop->core, start->sockets);
	enter_sandbox(turn);
	if (turn->shared->options->serialize != SERIALIZE_JOIN) {
		loop->clerk = clerk_start(turn->shared, turn->worker);
	}
	make_events(loop);
	loop->adopted = core_adopt(&loop->core, start->sockets);
	crash_order_adopt(turn);
	score_add(turn->score, COUNTER_ADOPTED, loop->adopted);
}

static void finish(struct loop *loop)
{
	struct turn *turn = &loop->core.turn;

	clerk_stop(loop->clerk);
	core_sweep(&loop->core); /* who is still here when the time is up */
	trail_finish(&turn->sessions->trail);
	boxoffice_destroy(turn);
	atomic_store(&turn->score->connections, 0);
	atomic_store(&turn->score->queued_bytes, 0);
	atomic_store(&turn->score->furthest_bytes, 0);
}

int worker_run(void *argument)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		die("out of memory");
	}
	begin(loop, argument);
	atomic_store(&loop->core.turn.score->heartbeat_ns, turn_now_ns(&loop->core.turn));
	tell_master(loop, MESSAGE_READY, 0, loop->adopted);
	while (!loop->finished) {
		run_turn(loop);
	}
	if (loop->yielding) {
		return 0; /* what there is is another's, and threads end with the process */
	}
	finish(loop);
	return loop->draining || loop->start->retires ? 0 : 1;
}
