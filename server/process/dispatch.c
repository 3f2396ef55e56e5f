#include "server/process/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener_option.h"
#include "server/process/copies.h"
#include "server/process/fronts.h"
#include "server/session/session.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

#define ACCEPT_TURN   256  /* sockets accepted in one turn */
#define WAITING_MAX   2048 /* accepted and not yet handed on: then accepting pauses */
#define PAUSE_US      100000
#define RETRY_US      10000
#define MESSAGE_COUNT 64 /* sockets in one message */

struct accepted {
	int socket;
	struct arrival arrival;
};

/* A message on its way to a worker: our copies of its sockets. */
struct handoff {
	struct handoff *next;
	uint64_t number;
	uint32_t count;
	struct accepted sockets[MESSAGE_COUNT];
};

struct receiver {
	int channel; /* -1: not there */
	struct handoff *oldest;
	struct handoff **newest;
};

struct dispatch {
	struct shared_state *shared;
	struct copies *copies; /* or NULL */
	const int *listeners;
	size_t listener_count;
	struct event *accept_events[OPTIONS_LISTENERS_MAX];
	struct event *pause_event; /* ends a pause, and tries again to hand on */
	bool paused;
	bool held;
	bool stopped;
	int reserve; /* a descriptor to give up when there are no others */
	uint64_t next_number;
	uint32_t last; /* the worker that got the last socket */
	struct receiver receivers[OPTIONS_WORKERS_MAX];
	struct accepted waiting[WAITING_MAX]; /* a queue, oldest first */
	size_t waiting_count;
};

/* Accepting */

static void set_accepting(struct dispatch *dispatch, bool on)
{
	on &= !dispatch->paused && !dispatch->held && !dispatch->stopped;
	for (size_t i = 0; i < dispatch->listener_count; i++) {
		if (dispatch->accept_events[i] && on) {
			event_add(dispatch->accept_events[i], NULL);
		} else if (dispatch->accept_events[i]) {
			event_del(dispatch->accept_events[i]);
		}
	}
}

static void try_again_in(struct dispatch *dispatch, long microseconds)
{
	const struct timeval delay = { .tv_usec = microseconds };

	if (!event_pending(dispatch->pause_event, EV_TIMEOUT, NULL)) {
		event_add(dispatch->pause_event, &delay);
	}
}

static void pause_accepting(struct dispatch *dispatch, const char *why)
{
	if (!dispatch->paused && !dispatch->stopped) {
		log_warning("accepting pauses: %s", why);
		dispatch->paused = true;
		set_accepting(dispatch, false);
	}
	try_again_in(dispatch, PAUSE_US);
}

/* Out of descriptors: the reserve is given up to tell one who waits that we are full. */
static void refuse_one(struct dispatch *dispatch, int listener, enum listener_kind kind)
{
	close(dispatch->reserve);
	int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (socket >= 0) {
		session_refuse(front_of(kind), socket);
	}
	dispatch->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void hand_on(struct dispatch *dispatch);

/* Accepts what there is; false when accepting has to pause. */
static bool accept_all(struct dispatch *dispatch, int listener, enum listener_kind kind)
{
	const int64_t now_ns = clock_monotonic_ns();

	for (int i = 0; i < ACCEPT_TURN && dispatch->waiting_count < WAITING_MAX; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int socket = accept4(listener, (struct sockaddr *)&address, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (socket >= 0) {
			dispatch->waiting[dispatch->waiting_count++] =
				(struct accepted){ socket,
						   { .peer = peer_address_of(&address),
						     .kind = (uint16_t)kind,
						     .before_ns = now_ns } };
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			return false;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			break;
		}
	}
	return true;
}

static void on_accept(evutil_socket_t listener, short what, void *argument)
{
	struct dispatch *dispatch = argument;
	enum listener_kind kind = LISTENER_LINES;

	(void)what;
	if (dispatch->copies) {
		copies_sweep(dispatch->copies);
	}
	for (size_t i = 0; i < dispatch->listener_count; i++) {
		if (dispatch->listeners[i] == listener) {
			kind = dispatch->shared->options->listeners[i].kind;
		}
	}
	if (!accept_all(dispatch, listener, kind)) {
		refuse_one(dispatch, listener, kind);
		pause_accepting(dispatch, "no descriptors are left");
	}
	hand_on(dispatch);
	if (dispatch->waiting_count == WAITING_MAX) {
		pause_accepting(dispatch, "the workers take no more");
	}
}

/* Handing on */

static uint32_t load_of(const struct dispatch *dispatch, uint32_t worker)
{
	const struct score *score = &dispatch->shared->scoreboard->scores[worker];

	return score->connections + score->handed;
}

/* The least loaded worker, of equals the next one after the last; -1 if there is none. */
static int choose(struct dispatch *dispatch, const uint32_t *chosen)
{
	const unsigned workers = dispatch->shared->workers;
	uint32_t least = UINT32_MAX;
	int best = -1;

	for (unsigned i = 1; i <= workers; i++) {
		uint32_t worker = (dispatch->last + i) % workers;
		uint32_t load = load_of(dispatch, worker) + chosen[worker];

		if (dispatch->receivers[worker].channel >= 0 && chosen[worker] < MESSAGE_COUNT &&
		    load < least) {
			least = load;
			best = (int)worker;
		}
	}
	return best;
}

static bool send_handoff(struct dispatch *dispatch, uint32_t worker, struct handoff *handoff)
{
	struct receiver *receiver = &dispatch->receivers[worker];
	struct worker_message message = { .kind = MESSAGE_SOCKETS, .count = handoff->count };
	int sockets[MESSAGE_COUNT];

	handoff->number = message.number = ++dispatch->next_number;
	for (uint32_t i = 0; i < handoff->count; i++) {
		sockets[i] = handoff->sockets[i].socket;
		message.arrivals[i] = handoff->sockets[i].arrival;
	}
	if (channel_send(receiver->channel, &message, WORKER_MESSAGE_LENGTH(handoff->count),
			 sockets, handoff->count) != CHANNEL_OK) {
		return false;
	}
	handoff->next = NULL;
	*receiver->newest = handoff;
	receiver->newest = &handoff->next;
	atomic_fetch_add(&dispatch->shared->scoreboard->scores[worker].handed, handoff->count);
	return true;
}

static void put_back(struct dispatch *dispatch, const struct accepted *sockets, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (dispatch->waiting_count == WAITING_MAX) {
			session_refuse(front_of(sockets[i].arrival.kind), sockets[i].socket);
		} else {
			dispatch->waiting[dispatch->waiting_count++] = sockets[i];
		}
	}
}

static struct handoff *new_handoff(void)
{
	struct handoff *handoff = calloc(1, sizeof(*handoff));

	if (!handoff) {
		die("out of memory");
	}
	return handoff;
}

/* Gives each waiting socket to a worker; what no worker can take now waits on. */
static void hand_on(struct dispatch *dispatch)
{
	struct handoff *handoffs[OPTIONS_WORKERS_MAX] = { NULL };
	uint32_t chosen[OPTIONS_WORKERS_MAX] = { 0 };
	size_t given = 0;
	int worker;

	while (given < dispatch->waiting_count && (worker = choose(dispatch, chosen)) >= 0) {
		if (!handoffs[worker]) {
			handoffs[worker] = new_handoff();
		}
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): `handoffs` keeps it for now */
		handoffs[worker]->sockets[handoffs[worker]->count++] = dispatch->waiting[given++];
		chosen[worker]++;
		dispatch->last = (uint32_t)worker;
	}
	dispatch->waiting_count -= given;
	memmove(dispatch->waiting, dispatch->waiting + given,
		dispatch->waiting_count * sizeof(*dispatch->waiting));
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		if (handoffs[i] && !send_handoff(dispatch, i, handoffs[i])) {
			put_back(dispatch, handoffs[i]->sockets, handoffs[i]->count);
			free(handoffs[i]);
		}
	}
	if (dispatch->waiting_count > 0) {
		try_again_in(dispatch, RETRY_US);
	}
}

static void on_pause_over(evutil_socket_t descriptor, short what, void *argument)
{
	struct dispatch *dispatch = argument;

	(void)descriptor;
	(void)what;
	hand_on(dispatch);
	if (dispatch->paused && dispatch->waiting_count < WAITING_MAX) {
		dispatch->paused = false;
		set_accepting(dispatch, true);
	}
}

/* Answers and deaths */

static struct handoff *take_oldest(struct dispatch *dispatch, uint32_t worker)
{
	struct receiver *receiver = &dispatch->receivers[worker];
	struct handoff *handoff = receiver->oldest;

	if (handoff) {
		receiver->oldest = handoff->next;
		if (!receiver->oldest) {
			receiver->newest = &receiver->oldest;
		}
		atomic_fetch_sub(&dispatch->shared->scoreboard->scores[worker].handed,
				 handoff->count);
	}
	return handoff;
}

/* The worker has it at SEAT. */
static void let_go(struct dispatch *dispatch, uint32_t worker, const struct handoff *handoff,
		   uint32_t place, uint32_t seat)
{
	int socket = handoff->sockets[place].socket;

	if (dispatch->copies) {
		copies_add(dispatch->copies, worker, seat, HANDOFF_OF(handoff->number, place),
			   socket);
	} else {
		close(socket);
	}
}

bool dispatch_answered(struct dispatch *dispatch, uint32_t worker,
		       const struct worker_message *message)
{
	struct handoff *handoff = dispatch->receivers[worker].oldest;

	if (!handoff || handoff->number != message->number ||
	    (message->kind != MESSAGE_TAKEN && message->count > handoff->count)) {
		return false;
	}
	(void)take_oldest(dispatch, worker);
	uint32_t taken = message->kind == MESSAGE_TAKEN ? handoff->count : message->count;

	for (uint32_t i = 0; i < taken; i++) {
		let_go(dispatch, worker, handoff, i, message->seats[i]);
	}
	put_back(dispatch, handoff->sockets + taken, handoff->count - taken);
	free(handoff);
	if (dispatch->waiting_count > 0) {
		try_again_in(dispatch, RETRY_US);
	}
	return true;
}

void dispatch_take(struct dispatch *dispatch, int socket, const struct arrival *arrival)
{
	const struct accepted accepted = { socket, *arrival };

	if (dispatch->stopped) {
		session_refuse(front_of(arrival->kind), socket);
		return;
	}
	put_back(dispatch, &accepted, 1);
	hand_on(dispatch);
}

void dispatch_add_worker(struct dispatch *dispatch, uint32_t worker, int channel)
{
	dispatch->receivers[worker].channel = channel;
	hand_on(dispatch);
}

void dispatch_pause_worker(struct dispatch *dispatch, uint32_t worker)
{
	dispatch->receivers[worker].channel = -1;
}

/* Those that have a stream are its successor's, the others anybody's. */
static void let_go_seated(struct dispatch *dispatch, uint32_t worker, struct handoff *handoff)
{
	const struct streams *streams = dispatch->shared->streams;
	bool seated[MESSAGE_COUNT] = { false };
	uint32_t left = 0;

	for (uint32_t seat = 0; dispatch->copies && seat < dispatch->shared->seats; seat++) {
		const struct stream *stream = streams_at(streams, worker, seat);
		uint64_t place = stream->handoff - HANDOFF_OF(handoff->number, 0);

		/* Two streams may say the same, of a worker that was taken over. */
		if (stream->session != 0 && place < handoff->count && !seated[place]) {
			seated[place] = true;
			let_go(dispatch, worker, handoff, (uint32_t)place, seat);
		}
	}
	for (uint32_t i = 0; i < handoff->count; i++) {
		if (!seated[i]) {
			handoff->sockets[left++] = handoff->sockets[i];
		}
	}
	handoff->count = left;
}

void dispatch_remove_worker(struct dispatch *dispatch, uint32_t worker)
{
	struct handoff *handoff;

	dispatch->receivers[worker].channel = -1;
	while ((handoff = take_oldest(dispatch, worker))) {
		let_go_seated(dispatch, worker, handoff);
		put_back(dispatch, handoff->sockets, handoff->count);
		free(handoff);
	}
	hand_on(dispatch);
}

void dispatch_hold(struct dispatch *dispatch, bool hold)
{
	dispatch->held = hold;
	set_accepting(dispatch, !hold);
}

size_t dispatch_waiting(const struct dispatch *dispatch, size_t *index, size_t count, int *sockets,
			struct arrival *arrivals)
{
	size_t found = 0;

	for (; *index < dispatch->waiting_count && found < count; ++*index) {
		sockets[found] = dispatch->waiting[*index].socket;
		arrivals[found++] = dispatch->waiting[*index].arrival;
	}
	return found;
}

void dispatch_stop(struct dispatch *dispatch)
{
	dispatch->stopped = true;
	set_accepting(dispatch, false);
	for (size_t i = 0; i < dispatch->waiting_count; i++) {
		session_refuse(front_of(dispatch->waiting[i].arrival.kind),
			       dispatch->waiting[i].socket);
	}
	dispatch->waiting_count = 0;
}

struct dispatch *dispatch_create(struct event_base *base, struct shared_state *shared,
				 const int *listeners, size_t listener_count, struct copies *copies)
{
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));

	if (!dispatch) {
		die("out of memory");
	}
	dispatch->shared = shared;
	dispatch->copies = copies;
	dispatch->listeners = listeners;
	dispatch->listener_count = listener_count;
	dispatch->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dispatch->pause_event = event_new(base, -1, 0, on_pause_over, dispatch);
	for (size_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		dispatch->receivers[i].channel = -1;
		dispatch->receivers[i].newest = &dispatch->receivers[i].oldest;
	}
	for (size_t i = 0; i < listener_count; i++) {
		if (listener_kind_is_tls(shared->options->listeners[i].kind)) {
			continue;
		}
		dispatch->accept_events[i] =
			event_new(base, listeners[i], EV_READ | EV_PERSIST, on_accept, dispatch);
		event_add(dispatch->accept_events[i], NULL);
	}
	return dispatch;
}
