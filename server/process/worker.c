#include "server/process/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/booking/clerk.h"
#include "server/booking/exchange.h"
#include "server/booking/release.h"
#include "server/booking/sales.h"
#include "server/chat/fan_out.h"
#include "server/chat/room_commands.h"
#include "server/echo/echo.h"
#include "server/session/session.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

#define TICK_NS      NS_PER_SECOND /* heart beats, and what is only looked at now and then */
#define RETRY_NS     NS_PER_MS     /* when a lock was taken */
#define ACCEPT_TURN  64            /* sockets accepted in one turn */
#define ACCEPT_PAUSE (100 * NS_PER_MS)

/* What only the loop itself needs. */
struct loop {
	struct worker worker;
	const struct worker_start *start;
	struct event *channel_event;
	struct event *wake_event;
	struct event *tick_event;
	struct event *turn_event; /* ends a sleep in time for what is due */
	struct event *accept_events[OPTIONS_LISTENERS_MAX];
	int64_t drain_until_ns;
	int64_t accept_again_ns;
	struct channel_message message;
};

void worker_wake(struct worker *worker, uint32_t other)
{
	if (other != worker->number) {
		worker->to_wake |= UINT64_C(1) << other;
	}
}

static void wake_others(struct worker *worker)
{
	while (worker->to_wake != 0) {
		unsigned other = (unsigned)__builtin_ctzll(worker->to_wake);

		worker->to_wake &= worker->to_wake - 1;
		(void)waker_wake(&worker->shared->scoreboard->scores[other].waker);
	}
}

void worker_wake_room(struct worker *worker, uint16_t room)
{
	const struct room *shared = &worker->shared->rooms->rooms[room];

	for (uint32_t i = 0; i < worker->shared->options->workers; i++) {
		if (atomic_load_explicit(&shared->members[i], memory_order_relaxed) > 0) {
			worker_wake(worker, i);
		}
	}
}

/* Sockets */

static void count_connections(struct worker *worker)
{
	atomic_store_explicit(&worker->score->connections,
			      worker->session_count + worker->echo_count, memory_order_relaxed);
}

static bool is_full(const struct worker *worker)
{
	const struct shared_state *shared = worker->shared;

	return scoreboard_connections(shared->scoreboard) >= shared->options->max_connections;
}

void worker_take_socket(struct worker *worker, int socket, enum listener_kind kind,
			struct peer_address peer)
{
	score_add(worker->score, COUNTER_ACCEPTED, 1);
	if (worker->draining || is_full(worker)) {
		session_refuse(socket, kind == LISTENER_LINES);
	} else if (kind == LISTENER_ECHO) {
		echo_open(worker, socket);
	} else {
		session_open(worker, socket, peer);
	}
	count_connections(worker);
}

static void tell_master(struct loop *loop, enum worker_message_kind kind, uint64_t number,
			uint32_t count)
{
	const struct worker_message message = { .kind = kind, .number = number, .count = count };

	if (channel_send(loop->start->channel, &message, WORKER_MESSAGE_LENGTH(0), NULL, 0) ==
	    CHANNEL_FAILED) {
		log_error("the master cannot be told: %s", strerror(errno));
	}
}

/* The sockets are acknowledged before anything is done with them: now they are ours. */
static void take_sockets(struct loop *loop, const struct worker_message *message)
{
	const struct channel_message *received = &loop->message;
	bool all = received->descriptor_count == message->count;

	tell_master(loop, all ? MESSAGE_TAKEN : MESSAGE_REFUSED, message->number,
		    (uint32_t)received->descriptor_count);
	for (size_t i = 0; i < received->descriptor_count; i++) {
		worker_take_socket(&loop->worker, received->descriptors[i], message->kinds[i],
				   message->peers[i]);
	}
}

static void start_draining(struct loop *loop)
{
	struct worker *worker = &loop->worker;

	if (worker->draining) {
		return;
	}
	worker->draining = true;
	atomic_store(&worker->score->state, WORKER_DRAINING);
	loop->drain_until_ns = worker_now_ns(worker) + worker->shared->options->drain_ns;
	loop->accept_again_ns = 0;
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		event_del(loop->accept_events[i]);
	}
	session_drain_all(worker);
	echo_drain_all(worker);
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
		loop->worker.finished = true; /* the master is gone */
		return;
	}
	memcpy(&message, loop->message.bytes, length < sizeof(message) ? length : sizeof(message));
	if (message.kind == MESSAGE_SOCKETS) {
		take_sockets(loop, &message);
	} else if (message.kind == MESSAGE_DRAIN) {
		start_draining(loop);
	}
}

/* Accepting by oneself (--dispatch accept) */

static void pause_accepting(struct loop *loop)
{
	log_warning("no more descriptors: accepting pauses");
	loop->accept_again_ns = worker_now_ns(&loop->worker) + ACCEPT_PAUSE;
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		event_del(loop->accept_events[i]);
	}
}

static void go_on_accepting(struct loop *loop)
{
	loop->accept_again_ns = 0;
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		event_add(loop->accept_events[i], NULL);
	}
}

static void on_accept(evutil_socket_t group, short what, void *argument)
{
	struct loop *loop = argument;
	struct epoll_event ready;

	(void)what;
	if (epoll_wait(group, &ready, 1, 0) != 1) {
		return; /* another worker was faster */
	}
	size_t listener = ready.data.u64;

	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int socket = accept4(loop->start->listeners[listener], (struct sockaddr *)&address,
				     &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (socket >= 0) {
			worker_take_socket(&loop->worker, socket,
					   loop->worker.shared->options->listeners[listener].kind,
					   peer_address_of(&address));
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			pause_accepting(loop);
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
		event_new(loop->worker.base, group, EV_READ | EV_PERSIST, on_accept, loop);
	event_add(loop->accept_events[listener], NULL);
}

/* The turn */

int64_t worker_now_ns(struct worker *worker)
{
	if (worker->now_ns == 0) {
		worker->now_ns = clock_monotonic_ns();
	}
	return worker->now_ns;
}

int64_t worker_wall_ns(struct worker *worker)
{
	if (worker->wall_ns == 0) {
		worker->wall_ns = clock_wall_ns();
	}
	return worker->wall_ns;
}

static void on_wake(evutil_socket_t descriptor, short what, void *argument)
{
	(void)descriptor;
	(void)what;
	(void)argument; /* being awake is all */
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct loop *loop = argument;
	struct worker *worker = &loop->worker;

	(void)descriptor;
	(void)what;
	atomic_store(&worker->score->heartbeat_ns, worker_now_ns(worker));
	session_tick(worker);
	boxoffice_tick(worker);
	boxoffice_announce_sales(worker);
	if (clerk_failed(worker->clerk)) {
		log_error("without its clerk this worker is of no use");
		worker->finished = true;
	}
}

/* Stock changed since we last looked, or a change had to wait: then until that has waited enough.
 */
static bool sale_is_due(struct worker *worker)
{
	uint32_t changes = atomic_load(&worker->shared->board->changes);

	if (worker->sale_at_ns != 0) {
		return worker_now_ns(worker) >= worker->sale_at_ns;
	}
	bool changed = changes != worker->changes_seen;

	worker->changes_seen = changes;
	return changed;
}

static void end_turn(struct loop *loop)
{
	struct worker *worker = &loop->worker;

	boxoffice_turn(worker);
	session_retry_waiting(worker);
	if (worker->submitted) {
		worker->submitted = false;
		booking_queue_call(worker->shared->queue, worker->number);
	}
	chat_turn(worker);
	if (sale_is_due(worker)) {
		boxoffice_announce_sales(worker);
		chat_turn(worker);
	}
	wake_others(worker);
	session_flush_all(worker);
	count_connections(worker);
	if (loop->accept_again_ns && worker_now_ns(worker) >= loop->accept_again_ns) {
		go_on_accepting(loop);
	}
	if (worker->draining && ((worker->session_count + worker->echo_count == 0) ||
				 worker_now_ns(worker) >= loop->drain_until_ns)) {
		worker->finished = true;
	}
}

/* How long the loop may sleep at most, in nanoseconds; -1: until something happens. */
static int64_t sleep_at_most(struct loop *loop)
{
	struct worker *worker = &loop->worker;
	int64_t due_ns;

	if (worker->waiting || worker->ended || worker->posts.oldest) {
		return RETRY_NS;
	}
	due_ns = fan_out_next_ns(worker);
	if (worker->sale_at_ns && worker->sale_at_ns < due_ns) {
		due_ns = worker->sale_at_ns;
	}
	if (loop->accept_again_ns && loop->accept_again_ns < due_ns) {
		due_ns = loop->accept_again_ns;
	}
	if (worker->draining && loop->drain_until_ns < due_ns) {
		due_ns = loop->drain_until_ns;
	}
	if (due_ns == INT64_MAX) {
		return -1;
	}
	return due_ns > worker_now_ns(worker) ? due_ns - worker_now_ns(worker) : 0;
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
	struct worker *worker = &loop->worker;
	struct waker *waker = &worker->score->waker;
	int flags = EVLOOP_ONCE;

	waker_arm(waker);
	if (chat_has_news(worker) || boxoffice_has_news(worker)) {
		waker_disarm(waker);
		flags = EVLOOP_NONBLOCK;
	} else {
		set_alarm(loop, sleep_at_most(loop));
	}
	worker->now_ns = worker->wall_ns = 0; /* after the sleep they are others */
	(void)event_base_loop(worker->base, flags);
	waker_disarm(waker);
	end_turn(loop);
}

/* From birth to end */

static void make_seats(struct worker *worker)
{
	uint32_t seats = worker->shared->options->max_connections;

	worker->sessions = calloc(seats, sizeof(struct session *));
	worker->free_seats = calloc(seats, sizeof(uint32_t));
	worker->receive_buffer = malloc(RECEIVE_SIZE);
	if (!worker->sessions || !worker->free_seats || !worker->receive_buffer) {
		die("out of memory");
	}
	for (uint32_t i = 0; i < seats; i++) {
		worker->free_seats[i] = seats - 1 - i; /* the lowest is taken first */
	}
	worker->free_count = seats;
}

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
	struct worker *worker = &loop->worker;
	const struct timeval tick = { .tv_sec = TICK_NS / NS_PER_SECOND };

	worker->base = make_base();
	loop->channel_event = event_new(worker->base, loop->start->channel, EV_READ | EV_PERSIST,
					on_channel, loop);
	loop->wake_event = event_new(worker->base, worker->score->waker.descriptor,
				     EV_READ | EV_PERSIST | EV_ET, on_wake, loop);
	loop->tick_event = event_new(worker->base, -1, EV_PERSIST, on_tick, loop);
	loop->turn_event = event_new(worker->base, -1, 0, on_wake, loop);
	event_add(loop->channel_event, NULL);
	event_add(loop->wake_event, NULL);
	event_add(loop->tick_event, &tick);
	for (size_t i = 0; i < loop->start->listener_count; i++) {
		listen_to(loop, i);
	}
}

/* False when the store cannot be opened. */
static bool begin(struct loop *loop, const struct worker_start *start)
{
	struct worker *worker = &loop->worker;

	log_rename(start->name);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* both may reach the whole group: the master decides */
	(void)signal(SIGTERM, SIG_IGN);
	loop->start = start;
	worker->shared = start->shared;
	worker->number = start->number;
	worker->score = &start->shared->scoreboard->scores[start->number];
	make_seats(worker);
	reply_init(&worker->reply);
	worker->fan_out = fan_out_create();
	if (worker->shared->options->serialize != SERIALIZE_JOIN) {
		worker->clerk = clerk_start(worker->shared, worker->number);
		if (!worker->clerk) {
			return false;
		}
	}
	boxoffice_sweep(worker);
	chat_sweep(worker);
	wake_others(worker);
	make_events(loop);
	return true;
}

static void finish(struct loop *loop)
{
	struct worker *worker = &loop->worker;

	clerk_stop(worker->clerk);
	chat_sweep(worker); /* who is still here when the time is up */
	wake_others(worker);
	atomic_store(&worker->score->connections, 0);
}

int worker_run(void *argument)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		die("out of memory");
	}
	if (!begin(loop, argument)) {
		return 1;
	}
	atomic_store(&loop->worker.score->heartbeat_ns, worker_now_ns(&loop->worker));
	tell_master(loop, MESSAGE_READY, 0, 0);
	while (!loop->worker.finished) {
		run_turn(loop);
	}
	finish(loop);
	return loop->worker.draining ? 0 : 1;
}
