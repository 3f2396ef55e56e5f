#include "server/process/master.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/process/dispatch.h"
#include "server/process/joiner.h"
#include "server/process/notify.h"
#include "server/process/start_up.h"
#include "server/process/worker.h"
#include "server/state/shared_state.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"
#include "shared/process/process.h"

#define PAUSE_FIRST_NS (100 * NS_PER_MS) /* before a worker that was of no use is started again */
#define PAUSE_LAST_NS  (30 * NS_PER_SECOND)
#define USEFUL_NS      NS_PER_SECOND       /* who lived that long was of use */
#define HUNG_NS        (5 * NS_PER_SECOND) /* without a heartbeat */
#define HUNG_HOLDER_NS (2 * NS_PER_SECOND) /* likewise, of one that holds the store's lock */
#define DRAIN_GRACE_NS NS_PER_SECOND       /* for workers to end after their drain time */

/* A worker's slot, or the joiner's: who fills it now. */
struct slot {
	struct master *master;
	uint32_t number;
	bool joins;              /* the joiner's */
	struct process *process; /* NULL while the slot is empty */
	int channel;
	bool ready;
	int64_t started_ns;
	int64_t pause_ns;
	uint64_t accepted_before; /* connections, by those who filled the slot before */
	struct event *end_event;
	struct event *channel_event;
	struct event *start_event;
	struct worker_start start;
};

struct master {
	const struct options *options;
	struct shared_state shared;
	struct event_base *base;
	struct dispatch *dispatch;
	struct mutex *store_lock;
	int listeners[OPTIONS_LISTENERS_MAX];
	struct event *tick_event;
	struct event *signal_events[4];
	struct slot slots[OPTIONS_WORKERS_MAX + 1]; /* the joiner's comes last */
	uint32_t slot_count;
	bool announced; /* that it is ready */
	bool stopping;
	int64_t stop_until_ns;
	struct channel_message message;
};

static const char *name_of(const struct slot *slot)
{
	return slot->joins ? "the joiner" : slot->start.name;
}

/* Workers */

static void close_slot(struct slot *slot)
{
	event_free(slot->end_event);
	event_free(slot->channel_event);
	close(slot->channel);
	process_destroy(slot->process);
	slot->process = NULL;
}

static void start_again(struct slot *slot, bool useful)
{
	struct timeval delay = { 0 };

	if (useful) {
		slot->pause_ns = 0;
	} else if (slot->ready || slot->pause_ns == 0) {
		slot->pause_ns = PAUSE_FIRST_NS;
	} else {
		slot->pause_ns *= 2;
		slot->pause_ns = slot->pause_ns < PAUSE_LAST_NS ? slot->pause_ns : PAUSE_LAST_NS;
	}
	if (!useful) {
		log_warning("%s starts again in %.1f s", name_of(slot),
			    (double)slot->pause_ns / (double)NS_PER_SECOND);
	}
	delay.tv_sec = (time_t)(slot->pause_ns / NS_PER_SECOND);
	delay.tv_usec = (suseconds_t)(slot->pause_ns % NS_PER_SECOND / NS_PER_US);
	event_add(slot->start_event, &delay);
}

/* Whether no worker is left: then the joiner has nothing more to do, and goes with the master. */
static bool all_ended(const struct master *master)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (master->slots[i].process && !master->slots[i].joins) {
			return false;
		}
	}
	return true;
}

/* Who took a connection, or lived a while, would have gone on if nobody had ended it. */
static bool was_useful(const struct slot *slot, const struct score *score)
{
	return slot->ready && (clock_monotonic_ns() - slot->started_ns >= USEFUL_NS ||
			       score->counters[COUNTER_ACCEPTED] > slot->accepted_before);
}

static void announce_if_ready(struct master *master)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (!master->slots[i].ready) {
			return;
		}
	}
	if (!master->announced) {
		master->announced = true;
		(void)printf("ready pid=%d workers=%u\n", (int)getpid(), master->options->workers);
		(void)fflush(stdout);
		notify_manager("READY=1");
	}
}

static void worker_is_ready(struct slot *slot)
{
	struct master *master = slot->master;

	slot->ready = true;
	atomic_store(&master->shared.scoreboard->scores[slot->number].state, WORKER_SERVING);
	if (master->dispatch && !master->stopping && !slot->joins) {
		dispatch_add_worker(master->dispatch, slot->number, slot->channel);
	}
	announce_if_ready(master);
}

static void take_message(struct slot *slot, const struct channel_message *received)
{
	struct worker_message message;

	if (received->length != WORKER_MESSAGE_LENGTH(0)) {
		bug("a message of %zu bytes from %s", received->length, name_of(slot));
	}
	memcpy(&message, received->bytes, WORKER_MESSAGE_LENGTH(0));
	if (message.kind == MESSAGE_READY) {
		worker_is_ready(slot);
	} else if (slot->master->dispatch) {
		dispatch_answered(slot->master->dispatch, slot->number, &message);
	}
}

/* What it said before it ended counts: sockets that it took are not handed to another. */
static void hear_last_words(struct slot *slot)
{
	struct channel_message *received = &slot->master->message;

	while (channel_receive(slot->channel, received) == CHANNEL_OK) {
		take_message(slot, received);
	}
}

/* A worker ended: what it held is freed and handed on, and another takes its place. */
static void bury(struct slot *slot)
{
	struct master *master = slot->master;
	struct score *score = &master->shared.scoreboard->scores[slot->number];
	int status = process_exit_status(slot->process);
	bool useful = was_useful(slot, score);

	hear_last_words(slot);
	atomic_store(&score->pid, 0);
	atomic_store(&score->state, WORKER_DOWN);
	atomic_store(&score->connections, 0);
	if (master->dispatch && !slot->joins) {
		dispatch_remove_worker(master->dispatch, slot->number);
	}
	booking_queue_bury(master->shared.queue, slot->number);
	if (!master->stopping) {
		log_warning("%s (pid %d) ended with %d", name_of(slot),
			    (int)process_pid(slot->process), status);
		atomic_fetch_add(&score->deaths, 1);
	}
	close_slot(slot);
	if (!master->stopping) {
		start_again(slot, useful);
	} else if (all_ended(master)) {
		event_base_loopbreak(master->base);
	}
}

static void on_end(evutil_socket_t descriptor, short what, void *argument)
{
	struct slot *slot = argument;

	(void)descriptor;
	(void)what;
	if (!process_alive(slot->process)) {
		bury(slot);
	}
}

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct slot *slot = argument;
	struct channel_message *received = &slot->master->message;

	(void)what;
	switch (channel_receive(channel, received)) {
	case CHANNEL_OK: take_message(slot, received); break;
	case CHANNEL_EMPTY: break;
	default: event_del(slot->channel_event); /* its end is on its way through the pidfd */
	}
}

static void watch(struct slot *slot)
{
	struct master *master = slot->master;

	slot->end_event =
		event_new(master->base, process_descriptor(slot->process), EV_READ, on_end, slot);
	slot->channel_event =
		event_new(master->base, slot->channel, EV_READ | EV_PERSIST, on_channel, slot);
	event_add(slot->end_event, NULL);
	event_add(slot->channel_event, NULL);
}

/* What a worker keeps open of the master's: its channel's end, the wakers, the listeners. */
static size_t descriptors_to_keep(const struct slot *slot, int worker_end, int *keep)
{
	const struct master *master = slot->master;
	size_t count = 0;

	keep[count++] = worker_end;
	for (uint32_t i = 0; i < master->options->workers; i++) {
		keep[count++] = master->shared.scoreboard->scores[i].waker.descriptor;
	}
	for (size_t i = 0; i < slot->start.listener_count; i++) {
		keep[count++] = master->listeners[i];
	}
	return count;
}

static void start_worker(struct slot *slot)
{
	struct master *master = slot->master;
	struct score *score = &master->shared.scoreboard->scores[slot->number];
	int keep[1 + OPTIONS_WORKERS_MAX + OPTIONS_LISTENERS_MAX];
	char name[16];
	int ends[2];

	if (!channel_open(ends)) {
		log_error("%s: no channel: %s", name_of(slot), strerror(errno));
		start_again(slot, false);
		return;
	}
	(void)snprintf(name, sizeof(name), slot->joins ? "turnstile-join" : "turnstile-w%u",
		       slot->number + 1);
	slot->channel = ends[0];
	slot->start.channel = ends[1];
	slot->ready = false;
	slot->started_ns = clock_monotonic_ns();
	slot->accepted_before = score->counters[COUNTER_ACCEPTED];
	atomic_store(&score->state, WORKER_STARTING);
	atomic_store(&score->heartbeat_ns, slot->started_ns);
	const struct process_options options = { .name = name,
						 .daemon = true,
						 .keep = keep,
						 .keep_count =
							 descriptors_to_keep(slot, ends[1], keep) };
	slot->process =
		process_start(&options, slot->joins ? joiner_run : worker_run, &slot->start);
	close(ends[1]);
	if (!slot->process) {
		log_error("%s cannot be started: %s", name_of(slot), strerror(errno));
		close(ends[0]);
		start_again(slot, false);
		return;
	}
	atomic_store(&score->pid, process_pid(slot->process));
	watch(slot);
}

static void on_start(evutil_socket_t descriptor, short what, void *argument)
{
	struct slot *slot = argument;

	(void)descriptor;
	(void)what;
	if (!slot->master->stopping) {
		start_worker(slot);
	}
}

static void make_slots(struct master *master)
{
	bool accepts = master->options->dispatch == DISPATCH_ACCEPT;

	master->slot_count =
		master->options->workers + (master->options->serialize == SERIALIZE_JOIN ? 1 : 0);
	for (uint32_t i = 0; i < master->slot_count; i++) {
		struct slot *slot = &master->slots[i];

		slot->master = master;
		slot->number = i;
		slot->joins = i == master->options->workers;
		(void)snprintf(slot->start.name, sizeof(slot->start.name), "worker %u", i + 1);
		slot->start_event = event_new(master->base, -1, 0, on_start, slot);
		slot->start.shared = &master->shared;
		slot->start.number = i;
		slot->start.listeners = master->listeners;
		slot->start.listener_count = accepts ? master->options->listener_count : 0;
	}
}

/* Watching over them */

static bool is_hung(const struct master *master, const struct slot *slot, int64_t now_ns)
{
	const struct score *score = &master->shared.scoreboard->scores[slot->number];
	int64_t silent_ns = now_ns - score->heartbeat_ns;
	int64_t held_ns = 0;
	bool holds = mutex_owner(master->store_lock, &held_ns) == process_pid(slot->process) &&
		     held_ns >= HUNG_HOLDER_NS;

	return silent_ns >= (holds ? HUNG_HOLDER_NS : HUNG_NS);
}

static void kill_all(struct master *master)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (master->slots[i].process) {
			process_kill(master->slots[i].process);
		}
	}
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct master *master = argument;
	int64_t now_ns = clock_monotonic_ns();

	(void)descriptor;
	(void)what;
	for (uint32_t i = 0; i < master->slot_count; i++) {
		struct slot *slot = &master->slots[i];

		if (slot->process && is_hung(master, slot, now_ns)) {
			log_warning("%s (pid %d) hangs: it is killed", name_of(slot),
				    (int)process_pid(slot->process));
			process_kill(slot->process);
		}
	}
	if (master->stopping && now_ns >= master->stop_until_ns) {
		log_warning("not all workers ended in time: they are killed");
		kill_all(master);
	}
}

/* Ending */

static void close_listeners(struct master *master)
{
	if (master->dispatch) {
		dispatch_stop(master->dispatch);
	}
	for (size_t i = 0; i < master->options->listener_count; i++) {
		close(master->listeners[i]);
		master->listeners[i] = -1;
	}
}

static void drain(struct master *master)
{
	const struct worker_message message = { .kind = MESSAGE_DRAIN };

	log_info("draining: no new connections, those here are told and let go");
	notify_manager("STOPPING=1");
	master->stopping = true;
	master->stop_until_ns = clock_monotonic_ns() + master->options->drain_ns + DRAIN_GRACE_NS;
	close_listeners(master);
	for (uint32_t i = 0; i < master->options->workers; i++) {
		struct slot *slot = &master->slots[i];

		if (slot->process &&
		    channel_send(slot->channel, &message, sizeof(message), NULL, 0) != CHANNEL_OK) {
			process_kill(slot->process); /* it takes no word from us */
		}
	}
	if (all_ended(master)) {
		event_base_loopbreak(master->base);
	}
}

static void on_signal(evutil_socket_t number, short what, void *argument)
{
	struct master *master = argument;

	(void)what;
	if (number != SIGQUIT && !master->stopping) {
		drain(master);
		return;
	}
	log_info("out at once");
	master->stopping = true;
	kill_all(master);
	if (all_ended(master)) {
		event_base_loopbreak(master->base);
	}
}

/* Beginning */

static void make_events(struct master *master)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT };
	const struct timeval second = { .tv_sec = 1 };

	master->base = event_base_new();
	if (!master->base) {
		die("the event loop cannot be made");
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		master->signal_events[i] =
			evsignal_new(master->base, signals[i], on_signal, master);
		event_add(master->signal_events[i], NULL);
	}
	master->tick_event = event_new(master->base, -1, EV_PERSIST, on_tick, master);
	event_add(master->tick_event, &second);
	if (master->options->dispatch == DISPATCH_HANDOFF) {
		master->dispatch = dispatch_create(master->base, &master->shared, master->listeners,
						   master->options->listener_count);
	}
}

int master_run(const struct options *options)
{
	struct master *master = calloc(1, sizeof(*master));

	if (!master) {
		die("out of memory");
	}
	log_rename("master");
	(void)signal(SIGPIPE, SIG_IGN);
	master->options = options;
	master->store_lock = start_up(options, &master->shared, master->listeners);
	make_events(master);
	make_slots(master);
	for (uint32_t i = 0; i < master->slot_count; i++) {
		start_worker(&master->slots[i]);
	}
	(void)event_base_dispatch(master->base);
	if (*options->pid_file) {
		(void)unlink(options->pid_file);
	}
	log_info("ended");
	return 0;
}
