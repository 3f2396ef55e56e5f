#include "server/process/slot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/bus/target.h"
#include "server/config/listener_option.h"
#include "server/process/bus.h"
#include "server/process/joiner.h"
#include "server/process/tls.h"
#include "server/sandbox/root.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PAUSE_FIRST_NS (100 * NS_PER_MS) /* before the successor of one that was of no use */
#define PAUSE_LAST_NS  (30 * NS_PER_SECOND)
#define USEFUL_NS      NS_PER_SECOND       /* who lived that long was of use */
#define LET_GO_NS      (5 * NS_PER_SECOND) /* what a worker that hangs is given, too */
#define KEPT_BESIDE    (5 + OPTIONS_WORKERS_MAX + OPTIONS_LISTENERS_MAX + BUS_FILES)

const char *slot_name(const struct slot *slot)
{
	return slot->start.name;
}

static struct score *score_of(const struct slot *slot)
{
	return &slot->start.shared->scoreboard->scores[slot->number];
}

/* Starting */

static void choose_pause(struct slot *slot, bool useful)
{
	if (useful) {
		slot->pause_ns = 0;
	} else {
		slot->pause_ns =
			slot->ready || slot->pause_ns == 0 ? PAUSE_FIRST_NS : slot->pause_ns * 2;
		slot->pause_ns = slot->pause_ns < PAUSE_LAST_NS ? slot->pause_ns : PAUSE_LAST_NS;
	}
}

static double pause_seconds(const struct slot *slot)
{
	return (double)slot->pause_ns / (double)NS_PER_SECOND;
}

static void start_later(struct slot *slot)
{
	const struct timeval delay = { .tv_sec = (time_t)(slot->pause_ns / NS_PER_SECOND),
				       .tv_usec = (suseconds_t)(slot->pause_ns % NS_PER_SECOND /
								NS_PER_US) };
	event_add(slot->start_event, &delay);
}

/*
 * What a worker keeps open of the master's: its channel's end, the wakers, the listeners, the empty
 * folder, and its predecessor's connections.
 */
static size_t descriptors_to_keep(const struct slot *slot, int worker_end, uint32_t seats,
				  int *keep)
{
	const struct options *options = slot->start.shared->options;
	const bool is_tls = slot->role == SLOT_TLS;
	size_t count = 0;

	for (uint32_t i = 0; i < seats; i++) {
		if (slot->start.sockets[i] >= 0) {
			keep[count++] = slot->start.sockets[i];
		}
	}

	keep[count++] = worker_end;
	for (uint32_t i = 0; i < sizeof(slot->wakers) / sizeof(slot->wakers[0]); i++) {
		keep[count++] = slot->wakers[i];
	}
	for (size_t i = 0; i < slot->start.listener_count; i++) {
		if (listener_kind_is_tls(options->listeners[i].kind) == is_tls) {
			keep[count++] = slot->start.listeners[i];
		}
	}
	if (is_tls) {
		keep[count++] = slot->start.key_pair.certificate;
		keep[count++] = slot->start.key_pair.key;
	}
	if (slot->role == SLOT_BUS) {
		count += bus_target_files(keep + count);
	}
	if (root_empty() >= 0) {
		keep[count++] = root_empty();
	}
	return count;
}

static void note_start(struct slot *slot)
{
	struct score *score = score_of(slot);

	slot->ready = slot->has_let_go = false;
	slot->killed = NULL;
	slot->started_ns = clock_monotonic_ns();
	slot->start.accepted_before = score->counters[COUNTER_ACCEPTED];
	atomic_fetch_add(&score->generation, 1);
	atomic_store(&score->state, WORKER_STARTING);
	atomic_store(&score->heartbeat_ns, slot->started_ns);
}

/* What ps shows. */
static void name_process(const struct slot *slot, char *name, size_t size)
{
	switch (slot->role) {
	case SLOT_WORKER: (void)snprintf(name, size, "turnstile-w%u", slot->number + 1); break;
	case SLOT_JOINER: (void)snprintf(name, size, "turnstile-join"); break;
	case SLOT_BUS: (void)snprintf(name, size, "turnstile-bus"); break;
	case SLOT_TLS: (void)snprintf(name, size, "turnstile-tls"); break;
	}
}

/* In the child. It notes its pid as the master does, for it may be asked before the master has. */
static int run(void *argument)
{
	static int (*const runs[])(void *start) = { worker_run, joiner_run, bus_run, tls_run };
	struct slot *slot = argument;

	atomic_store(&score_of(slot)->pid, getpid());
	return runs[slot->role](&slot->start);
}

/* Forks it with the channel's WORKER_END; false with errno set. */
static bool fork_process(struct slot *slot, int worker_end)
{
	uint32_t seats = 0;

	slot->start.sockets = slot->owner->sockets(slot->owner->context, slot, &seats);
	slot->start.listener_count = slot->retires ? 0 : slot->listener_count;
	int *keep = malloc((seats + KEPT_BESIDE) * sizeof(*keep));

	if (!keep) {
		return false;
	}
	size_t keep_count = descriptors_to_keep(slot, worker_end, seats, keep);
	char name[16];
	const struct process_options options = { .name = name,
						 .daemon = slot->role != SLOT_TLS, /* tls.h */
						 .keep = keep,
						 .keep_count = keep_count };

	name_process(slot, name, sizeof(name));
	slot->start.channel = worker_end;
	slot->start.retires = slot->retires;
	slot->process = process_start(&options, run, slot);
	free(keep);
	return slot->process;
}

static void watch(struct slot *slot);

static void start_failed(struct slot *slot, const char *what, int error)
{
	choose_pause(slot, false);
	log_error("%s %s: %s; once more in %.1f s", slot_name(slot), what, strerror(error),
		  pause_seconds(slot));
	start_later(slot);
}

void slot_start(struct slot *slot)
{
	int ends[2];

	if (!channel_open(ends)) {
		start_failed(slot, "has no channel", errno);
		return;
	}
	slot->channel = ends[0];
	note_start(slot);
	bool started = fork_process(slot, ends[1]);
	int error = errno;

	close(ends[1]);
	if (!started) {
		close(ends[0]);
		atomic_store(&score_of(slot)->pid, 0);
		start_failed(slot, "cannot be started", error);
		return;
	}
	atomic_store(&score_of(slot)->pid, process_pid(slot->process));
	watch(slot);
}

/* Letting go */

/* False: it takes no word from us, and is killed. */
static bool tell(struct slot *slot, enum worker_message_kind kind, uint32_t count)
{
	const struct worker_message message = { .kind = kind, .count = count };

	if (channel_send(slot->channel, &message, sizeof(message), NULL, 0) == CHANNEL_OK) {
		return true;
	}
	slot_kill(slot, "took no word"); /* from us */
	return false;
}

static void ask_to_let_go(struct slot *slot, enum slot_parting parting)
{
	if (slot->parting == SLOT_STAYS && tell(slot, MESSAGE_YIELD, parting == SLOT_YIELDED)) {
		slot->part_until_ns = clock_monotonic_ns() + LET_GO_NS;
	}
	slot->parting = parting;
	if (slot->role == SLOT_JOINER) {
		booking_queue_ring_bell(slot->start.shared->queue, 0); /* it sleeps there */
	}
}

void slot_replace(struct slot *slot)
{
	if (slot->stopped) {
		return;
	}
	if (slot->process) {
		ask_to_let_go(slot, SLOT_REPLACED);
	} else {
		event_del(slot->start_event);
		slot_start(slot);
	}
}

bool slot_yield(struct slot *slot)
{
	event_del(slot->start_event);
	if (slot->process && !slot->stopped) {
		ask_to_let_go(slot, SLOT_YIELDED);
	}
	return slot->process;
}

void slot_open(struct slot *slot)
{
	slot->stopped = slot->retires = false;
}

void slot_retire(struct slot *slot)
{
	slot->retires = true;
}

/*
 * It has ended with its last connection; that it is to be used again may have been said meanwhile.
 */
static bool has_retired(const struct slot *slot)
{
	return slot->start.retires && slot->parting == SLOT_STAYS;
}

void slot_serve_on(struct slot *slot)
{
	if (slot->process && slot->parting == SLOT_YIELDED) {
		slot->parting = SLOT_REPLACED;
	} else if (!slot->process && !slot->stopped &&
		   !event_pending(slot->start_event, EV_TIMEOUT, NULL)) {
		slot_start(slot);
	}
}

bool slot_is_alive(const struct slot *slot)
{
	return slot->process || (slot->has_let_go && slot->parting == SLOT_REPLACED &&
				 (!slot->stopped || slot->drains));
}

void slot_drain(struct slot *slot)
{
	slot_stop(slot);
	if (slot->process && slot->parting == SLOT_REPLACED) {
		slot->drains = true;
	} else if (slot->process) {
		(void)tell(slot, MESSAGE_DRAIN, 0);
	}
}

static void let_go_in_time(struct slot *slot)
{
	if (slot->process && slot->parting != SLOT_STAYS && !slot->killed &&
	    clock_monotonic_ns() >= slot->part_until_ns) {
		slot_kill(slot, "did not let go");
	}
}

/* What it says */

/* How many bytes a message of a process in ROLE has; 0: none of its has that form. */
static size_t length_of(const struct worker_message *message, enum slot_role role)
{
	const size_t head = offsetof(struct worker_message, seats);

	if (role == SLOT_TLS && message->kind != MESSAGE_READY) {
		bool sockets = message->kind == MESSAGE_SOCKETS;

		return sockets && message->count <= WORKER_SOCKETS_MAX
			       ? WORKER_MESSAGE_LENGTH(message->count)
			       : 0;
	}
	switch (message->kind) {
	case MESSAGE_READY:
	case MESSAGE_LEFT:
	case MESSAGE_CRASH: return head;
	case MESSAGE_ACCEPTED: return message->count == 1 ? head + sizeof(uint32_t) : 0;
	case MESSAGE_TAKEN:
	case MESSAGE_REFUSED:
		return message->count <= WORKER_SOCKETS_MAX
			       ? head + message->count * sizeof(uint32_t)
			       : 0;
	default: return 0;
	}
}

/* How many descriptors may come with it, each of its own kind. */
static bool may_bring(const struct worker_message *message, size_t count)
{
	if (message->kind != MESSAGE_SOCKETS) {
		return count <= (message->kind == MESSAGE_ACCEPTED);
	}
	for (size_t i = 0; i < count && i < message->count; i++) {
		if (message->arrivals[i].kind >= LISTENER_KINDS ||
		    !listener_kind_is_tls(message->arrivals[i].kind)) {
			return false;
		}
	}
	return count <= message->count;
}

bool slot_read_message(const struct channel_message *received, enum slot_role role,
		       struct worker_message *message)
{
	const size_t head = offsetof(struct worker_message, seats);
	bool whole = received->length >= head && received->length <= sizeof(*message);

	*message = (struct worker_message){ .count = 0 };
	if (whole) {
		memcpy(message, received->bytes, received->length);
		whole = received->length == length_of(message, role) &&
			may_bring(message, received->descriptor_count);
	}
	for (size_t i = 0; !whole && i < received->descriptor_count; i++) {
		close(received->descriptors[i]);
	}
	return whole;
}

/*
 * Deaths: each has one line in the log, which says who, why, and who goes on with its connections.
 */

static void tell_death(struct slot *slot, const char *successor, const char *what)
{
	if (slot->death.pid != 0) {
		log_warning("%s (pid %d) %s: %s %s", slot_name(slot), (int)slot->death.pid,
			    slot->death.why, successor, what);
		slot->death.pid = 0;
	}
}

static void describe_successor(const struct slot *slot, uint32_t adopted, int64_t took_ns,
			       char what[SLOT_WHY_SIZE])
{
	const int pid = (int)process_pid(slot->process);
	const double took_ms = (double)took_ns / NS_PER_MS;

	if (slot->role == SLOT_WORKER) {
		(void)snprintf(what, SLOT_WHY_SIZE,
			       "(pid %d) goes on with %u connection%s after %.1f ms", pid, adopted,
			       adopted == 1 ? "" : "s", took_ms);
	} else {
		(void)snprintf(what, SLOT_WHY_SIZE, "(pid %d) is there after %.1f ms", pid,
			       took_ms);
	}
}

/* One that had to be started more than once has a line of its own. */
static void note_successor(struct slot *slot, uint32_t adopted)
{
	const int64_t took_ns = clock_monotonic_ns() - slot->ended_ns;
	char what[SLOT_WHY_SIZE];

	if (slot->ended_ns == 0) {
		return; /* the first one */
	}
	describe_successor(slot, adopted, took_ns, what);
	if (slot->role == SLOT_WORKER) {
		histogram_add(&score_of(slot)->adoption_ns, (uint64_t)took_ns);
	}
	if (slot->death.pid == 0) {
		log_notice("%s %s", slot_name(slot), what);
	}
	tell_death(slot, "its successor", what);
}

static void describe_death(const struct slot *slot, char why[SLOT_WHY_SIZE])
{
	const int status = process_exit_status(slot->process);

	if (slot->killed) {
		(void)snprintf(why, SLOT_WHY_SIZE, "%s and was killed", slot->killed);
	} else if (status < 0) {
		(void)snprintf(why, SLOT_WHY_SIZE, "was killed by SIG%s", sigabbrev_np(-status));
	} else {
		(void)snprintf(why, SLOT_WHY_SIZE, "exited with %d", status);
	}
}

/* Who was ready has a line when its successor is; who was not, at once. */
static void note_death(struct slot *slot)
{
	const int pid = (int)process_pid(slot->process);
	char why[SLOT_WHY_SIZE];

	describe_death(slot, why);
	if (slot->ready) {
		slot->death.pid = pid;
		memcpy(slot->death.why, why, sizeof(why));
	} else {
		tell_death(slot, "its successor", "ended before it was ready");
		log_warning("%s (pid %d) %s before it was ready; another starts in %.1f s",
			    slot_name(slot), pid, why, pause_seconds(slot));
	}
}

static bool take_message(struct slot *slot)
{
	struct worker_message message;

	if (!slot_read_message(&slot->received, slot->role, &message)) {
		return false;
	}
	if (message.kind == MESSAGE_READY) {
		slot->ready = true;
		slot->failures = 0;
		note_successor(slot, message.count);
	}
	if (message.kind == MESSAGE_LEFT) {
		slot->has_left = slot->role == SLOT_WORKER && slot->parting != SLOT_STAYS;
		return slot->has_left;
	}
	return slot->owner->heard(slot->owner->context, slot, &message);
}

/* Takes the next that it sent. CHANNEL_FAILED: it has to be heard no more. */
static enum channel_result hear(struct slot *slot)
{
	enum channel_result result = channel_receive(slot->channel, &slot->received);

	if ((result == CHANNEL_OK || result == CHANNEL_CUT) && !take_message(slot)) {
		slot_kill(slot, "said what it cannot have to say");
		result = CHANNEL_FAILED;
	}
	return result;
}

static void part(struct slot *slot);

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct slot *slot = argument;
	enum channel_result result = hear(slot);

	(void)channel;
	(void)what;
	if (result == CHANNEL_CLOSED || result == CHANNEL_FAILED) {
		event_del(slot->channel_event); /* its end is on its way through the pidfd */
	} else if (slot->has_left && !slot->leaver) {
		part(slot);
	}
}

void slot_hear(struct slot *slot, bool on)
{
	if (slot->process && on) {
		event_add(slot->channel_event, NULL);
	} else if (slot->process) {
		event_del(slot->channel_event);
	}
}

/* Its end */

/* Nobody is there from now on; its process is the caller's. */
static struct process *empty(struct slot *slot)
{
	struct process *process = slot->process;

	if (slot->role == SLOT_TLS) {
		plain_ends_forget(&slot->start.shared->plain_ends, process_pid(process));
	}
	event_free(slot->end_event);
	event_free(slot->channel_event);
	close(slot->channel);
	slot->process = NULL;
	slot->has_left = false;
	return process;
}

/* Not by us: somebody wanted it gone, and nothing is wrong with it. */
static bool was_killed(const struct slot *slot)
{
	return !slot->killed && process_exit_status(slot->process) == -SIGKILL;
}

/* Who took a connection, or lived a while, would have gone on if nobody had ended it. */
static bool was_useful(const struct slot *slot)
{
	return slot->ready &&
	       (clock_monotonic_ns() - slot->started_ns >= USEFUL_NS ||
		score_of(slot)->counters[COUNTER_ACCEPTED] > slot->start.accepted_before);
}

static void start_next(struct slot *slot)
{
	enum slot_parting parting = slot->parting;

	slot->parting = SLOT_STAYS;
	if (parting == SLOT_YIELDED) {
		return;
	}
	if (slot->has_let_go && (!slot->stopped || slot->drains)) {
		slot_start(slot);
		if (slot->drains && slot->process) {
			(void)tell(slot, MESSAGE_DRAIN, 0);
		}
	} else if (!slot->stopped) {
		start_later(slot);
	}
}

/* What it said before it ended counts: sockets that it took are not handed to another. */
static void on_end(evutil_socket_t descriptor, short what, void *argument)
{
	struct slot *slot = argument;

	(void)descriptor;
	(void)what;
	if (process_alive(slot->process)) {
		return; /* a debugger has it still: slot_look comes back to it */
	}
	bool useful = was_useful(slot) || was_killed(slot);

	while (hear(slot) == CHANNEL_OK) {
		/* the next one */
	}
	const bool retired = has_retired(slot);

	slot->has_let_go = (retired || slot->parting != SLOT_STAYS) && !slot->killed &&
			   process_exit_status(slot->process) == 0;
	slot->stopped |= retired && slot->retires && slot->has_let_go;
	choose_pause(slot, useful);
	if (!slot->stopped && !slot->has_let_go) {
		note_death(slot);
	}
	process_destroy(empty(slot));
	slot->ended_ns = slot->ready ? clock_monotonic_ns() : slot->ended_ns;
	slot->failures += !slot->ready && !useful;
	slot->owner->ended(slot->owner->context, slot);
	start_next(slot);
}

static void on_leaver_end(evutil_socket_t descriptor, short what, void *argument)
{
	struct slot *slot = argument;

	(void)descriptor;
	(void)what;
	if (!process_alive(slot->leaver)) {
		event_free(slot->leaver_event);
		process_destroy(slot->leaver);
		slot->leaver = NULL;
	}
}

/*
 * It has left all that it had, and has nothing to do any more but to end; with thousands of
 * connections to close that takes a while, and nobody waits for it.
 */
static void part(struct slot *slot)
{
	slot->has_let_go = true;
	choose_pause(slot, true);
	slot->leaver = empty(slot);
	slot->leaver_event = event_new(slot->owner->base, process_descriptor(slot->leaver),
				       EV_READ | EV_PERSIST, on_leaver_end, slot);
	event_add(slot->leaver_event, NULL);
	slot->ended_ns = slot->ready ? clock_monotonic_ns() : slot->ended_ns;
	slot->owner->ended(slot->owner->context, slot);
	start_next(slot);
}

void slot_look(struct slot *slot)
{
	if (slot->process && !event_pending(slot->end_event, EV_READ, NULL)) {
		on_end(-1, 0, slot);
	}
	let_go_in_time(slot);
}

static void watch(struct slot *slot)
{
	struct event_base *base = slot->owner->base;

	slot->end_event = event_new(base, process_descriptor(slot->process), EV_READ, on_end, slot);
	slot->channel_event =
		event_new(base, slot->channel, EV_READ | EV_PERSIST, on_channel, slot);
	event_add(slot->end_event, NULL);
	event_add(slot->channel_event, NULL);
}

static void on_start(evutil_socket_t descriptor, short what, void *argument)
{
	(void)descriptor;
	(void)what;
	slot_start(argument);
}

void slot_init(struct slot *slot, const struct slot_owner *owner, struct shared_state *shared,
	       enum slot_role role, uint32_t number)
{
	static const char *const names[] = {
		[SLOT_JOINER] = "the joiner", [SLOT_BUS] = "the bus", [SLOT_TLS] = "tls"
	};

	slot->owner = owner;
	slot->role = role;
	slot->number = number;
	if (role == SLOT_WORKER) {
		(void)snprintf(slot->start.name, sizeof(slot->start.name), "worker %u", number + 1);
	} else {
		(void)snprintf(slot->start.name, sizeof(slot->start.name), "%s", names[role]);
	}
	slot->start_event = event_new(owner->base, -1, 0, on_start, slot);
	slot->start.shared = shared;
	slot->start.number = number;
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		slot->wakers[i] = shared->scoreboard->scores[i].waker.descriptor;
	}
	slot->wakers[OPTIONS_WORKERS_MAX] =
		shared->scoreboard->scores[SCOREBOARD_BUS].waker.descriptor;
}

void slot_accepts(struct slot *slot, const int *listeners, const struct key_pair *key_pair)
{
	slot->start.listeners = listeners;
	slot->listener_count = slot->start.shared->options->listener_count;
	slot->start.key_pair = *key_pair;
}

void slot_set_key_pair(struct slot *slot, const struct key_pair *key_pair)
{
	slot->start.key_pair = *key_pair;
}

void slot_stop(struct slot *slot)
{
	tell_death(slot, "the server stops", "before it has a successor");
	slot->stopped = true;
	event_del(slot->start_event);
}

void slot_kill(struct slot *slot, const char *why)
{
	if (slot->process) {
		slot->killed = why;
		process_kill(slot->process);
	}
}
