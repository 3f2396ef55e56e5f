#include "server/process/master.h"

#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "db/store/store.h"
#include "server/booking/batch.h"
#include "server/chat/archive.h"
#include "server/config/listener.h"
#include "server/config/listener_option.h"
#include "server/process/dispatch.h"
#include "server/process/joiner.h"
#include "server/process/notify.h"
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
#define STORE_WAIT_NS  (10 * NS_PER_SECOND)
#define SPARE_FILES    64 /* descriptors beside the connections */

/* A worker's place, or the joiner's: who fills it now. */
struct place {
	struct master *master;
	uint32_t number;
	bool joins;              /* the joiner's */
	struct process *process; /* NULL while the place is empty */
	int channel;
	bool ready;
	int64_t started_ns;
	int64_t pause_ns;
	uint64_t accepted_before; /* connections, by those who filled the place before */
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
	struct place places[OPTIONS_WORKERS_MAX + 1]; /* the joiner's comes last */
	uint32_t place_count;
	bool announced; /* that it is ready */
	bool stopping;
	int64_t stop_until_ns;
	struct channel_message message;
};

static const char *name_of(const struct place *place)
{
	return place->joins ? "the joiner" : place->start.name;
}

/* Workers */

static void close_place(struct place *place)
{
	event_free(place->end_event);
	event_free(place->channel_event);
	close(place->channel);
	process_destroy(place->process);
	place->process = NULL;
}

static void start_again(struct place *place, bool useful)
{
	struct timeval delay = { 0 };

	if (useful) {
		place->pause_ns = 0;
	} else if (place->ready || place->pause_ns == 0) {
		place->pause_ns = PAUSE_FIRST_NS;
	} else {
		place->pause_ns *= 2;
		place->pause_ns = place->pause_ns < PAUSE_LAST_NS ? place->pause_ns : PAUSE_LAST_NS;
	}
	if (!useful) {
		log_warning("%s starts again in %.1f s", name_of(place),
			    (double)place->pause_ns / (double)NS_PER_SECOND);
	}
	delay.tv_sec = (time_t)(place->pause_ns / NS_PER_SECOND);
	delay.tv_usec = (suseconds_t)(place->pause_ns % NS_PER_SECOND / NS_PER_US);
	event_add(place->start_event, &delay);
}

/* Whether all workers are gone: then the joiner has nothing more to do, and goes with the master.
 */
static bool all_ended(const struct master *master)
{
	for (uint32_t i = 0; i < master->place_count; i++) {
		if (master->places[i].process && !master->places[i].joins) {
			return false;
		}
	}
	return true;
}

/* Who took a connection, or lived a while, would have gone on if nobody had ended it. */
static bool was_useful(const struct place *place, const struct score *score)
{
	return place->ready && (clock_monotonic_ns() - place->started_ns >= USEFUL_NS ||
				score->counters[COUNTER_ACCEPTED] > place->accepted_before);
}

static void announce_if_ready(struct master *master)
{
	for (uint32_t i = 0; i < master->place_count; i++) {
		if (!master->places[i].ready) {
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

static void worker_is_ready(struct place *place)
{
	struct master *master = place->master;

	place->ready = true;
	atomic_store(&master->shared.scoreboard->scores[place->number].state, WORKER_SERVING);
	if (master->dispatch && !master->stopping && !place->joins) {
		dispatch_add_worker(master->dispatch, place->number, place->channel);
	}
	announce_if_ready(master);
}

static void take_message(struct place *place, const struct channel_message *received)
{
	struct worker_message message;

	if (received->length != WORKER_MESSAGE_LENGTH(0)) {
		bug("a message of %zu bytes from %s", received->length, name_of(place));
	}
	memcpy(&message, received->bytes, WORKER_MESSAGE_LENGTH(0));
	if (message.kind == MESSAGE_READY) {
		worker_is_ready(place);
	} else if (place->master->dispatch) {
		dispatch_answered(place->master->dispatch, place->number, &message);
	}
}

/* What it said before it ended counts: sockets that it took are not handed to another. */
static void hear_last_words(struct place *place)
{
	struct channel_message *received = &place->master->message;

	while (channel_receive(place->channel, received) == CHANNEL_OK) {
		take_message(place, received);
	}
}

/* A worker ended: what it held is freed and handed on, and another takes its place. */
static void bury(struct place *place)
{
	struct master *master = place->master;
	struct score *score = &master->shared.scoreboard->scores[place->number];
	int status = process_exit_status(place->process);
	bool useful = was_useful(place, score);

	hear_last_words(place);
	atomic_store(&score->pid, 0);
	atomic_store(&score->state, WORKER_DOWN);
	atomic_store(&score->connections, 0);
	if (master->dispatch && !place->joins) {
		dispatch_remove_worker(master->dispatch, place->number);
	}
	booking_queue_bury(master->shared.queue, place->number);
	if (!master->stopping) {
		log_warning("%s (pid %d) ended with %d", name_of(place),
			    (int)process_pid(place->process), status);
		atomic_fetch_add(&score->deaths, 1);
	}
	close_place(place);
	if (!master->stopping) {
		start_again(place, useful);
	} else if (all_ended(master)) {
		event_base_loopbreak(master->base);
	}
}

static void on_end(evutil_socket_t descriptor, short what, void *argument)
{
	struct place *place = argument;

	(void)descriptor;
	(void)what;
	if (!process_alive(place->process)) {
		bury(place);
	}
}

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct place *place = argument;
	struct channel_message *received = &place->master->message;

	(void)what;
	switch (channel_receive(channel, received)) {
	case CHANNEL_OK: take_message(place, received); break;
	case CHANNEL_EMPTY: break;
	default: event_del(place->channel_event); /* its end is on its way through the pidfd */
	}
}

static void watch(struct place *place)
{
	struct master *master = place->master;

	place->end_event =
		event_new(master->base, process_descriptor(place->process), EV_READ, on_end, place);
	place->channel_event =
		event_new(master->base, place->channel, EV_READ | EV_PERSIST, on_channel, place);
	event_add(place->end_event, NULL);
	event_add(place->channel_event, NULL);
}

/* What a worker keeps open of the master's: its channel's end, the wakers, the listeners. */
static size_t descriptors_to_keep(const struct place *place, int worker_end, int *keep)
{
	const struct master *master = place->master;
	size_t count = 0;

	keep[count++] = worker_end;
	for (uint32_t i = 0; i < master->options->workers; i++) {
		keep[count++] = master->shared.scoreboard->scores[i].waker.descriptor;
	}
	for (size_t i = 0; i < place->start.listener_count; i++) {
		keep[count++] = master->listeners[i];
	}
	return count;
}

static void start_worker(struct place *place)
{
	struct master *master = place->master;
	struct score *score = &master->shared.scoreboard->scores[place->number];
	int keep[1 + OPTIONS_WORKERS_MAX + OPTIONS_LISTENERS_MAX];
	char name[16];
	int ends[2];

	if (!channel_open(ends)) {
		log_error("%s: no channel: %s", name_of(place), strerror(errno));
		start_again(place, false);
		return;
	}
	(void)snprintf(name, sizeof(name), place->joins ? "turnstile-join" : "turnstile-w%u",
		       place->number + 1);
	place->channel = ends[0];
	place->start.channel = ends[1];
	place->ready = false;
	place->started_ns = clock_monotonic_ns();
	place->accepted_before = score->counters[COUNTER_ACCEPTED];
	atomic_store(&score->state, WORKER_STARTING);
	atomic_store(&score->heartbeat_ns, place->started_ns);
	const struct process_options options = { .name = name,
						 .daemon = true,
						 .keep = keep,
						 .keep_count = descriptors_to_keep(place, ends[1],
										   keep) };
	place->process =
		process_start(&options, place->joins ? joiner_run : worker_run, &place->start);
	close(ends[1]);
	if (!place->process) {
		log_error("%s cannot be started: %s", name_of(place), strerror(errno));
		close(ends[0]);
		start_again(place, false);
		return;
	}
	atomic_store(&score->pid, process_pid(place->process));
	watch(place);
}

static void on_start(evutil_socket_t descriptor, short what, void *argument)
{
	struct place *place = argument;

	(void)descriptor;
	(void)what;
	if (!place->master->stopping) {
		start_worker(place);
	}
}

static void make_places(struct master *master)
{
	bool accepts = master->options->dispatch == DISPATCH_ACCEPT;

	master->place_count =
		master->options->workers + (master->options->serialize == SERIALIZE_JOIN ? 1 : 0);
	for (uint32_t i = 0; i < master->place_count; i++) {
		struct place *place = &master->places[i];

		place->master = master;
		place->number = i;
		place->joins = i == master->options->workers;
		(void)snprintf(place->start.name, sizeof(place->start.name), "worker %u", i + 1);
		place->start_event = event_new(master->base, -1, 0, on_start, place);
		place->start.shared = &master->shared;
		place->start.number = i;
		place->start.listeners = master->listeners;
		place->start.listener_count = accepts ? master->options->listener_count : 0;
	}
}

/* Watching over them */

static bool is_hung(const struct master *master, const struct place *place, int64_t now_ns)
{
	const struct score *score = &master->shared.scoreboard->scores[place->number];
	int64_t silent_ns = now_ns - score->heartbeat_ns;
	int64_t held_ns = 0;
	bool holds = mutex_owner(master->store_lock, &held_ns) == process_pid(place->process) &&
		     held_ns >= HUNG_HOLDER_NS;

	return silent_ns >= (holds ? HUNG_HOLDER_NS : HUNG_NS);
}

static void kill_all(struct master *master)
{
	for (uint32_t i = 0; i < master->place_count; i++) {
		if (master->places[i].process) {
			process_kill(master->places[i].process);
		}
	}
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct master *master = argument;
	int64_t now_ns = clock_monotonic_ns();

	(void)descriptor;
	(void)what;
	for (uint32_t i = 0; i < master->place_count; i++) {
		struct place *place = &master->places[i];

		if (place->process && is_hung(master, place, now_ns)) {
			log_warning("%s (pid %d) hangs: it is killed", name_of(place),
				    (int)process_pid(place->process));
			process_kill(place->process);
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
		struct place *place = &master->places[i];

		if (place->process && channel_send(place->channel, &message, sizeof(message), NULL,
						   0) != CHANNEL_OK) {
			process_kill(place->process); /* it takes no word from us */
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

static void make_event(const struct booking_context *queue, const struct event_option *option)
{
	struct booking_request request = { .verb = BOOKING_EVENT_NEW, .quantity = option->total };
	struct booking_answer answer;

	memcpy(request.event, option->name, sizeof(request.event));
	memcpy(request.title, option->title, sizeof(request.title));
	booking_carry_out(queue, &request, &answer);
	if (answer.outcome != BOOKING_DONE && answer.outcome != BOOKING_EXISTS) {
		die("event %s cannot be made: %s", option->name, store_error(queue->store));
	}
}

static void count_event(void *context, const struct store_event *event)
{
	(void)event;
	++*(unsigned *)context;
}

/* Without a lock tickets are sold twice: on a store of its own only, and not without a word. */
static void warn_unlocked(struct store *store, const char *url)
{
	unsigned events = 0;

	if (store_event_each(store, count_event, &events) != STORE_OK || events > 0) {
		die("--serialize none sells tickets twice: %s is in use; give it a new store", url);
	}
	log_warning(
		"--serialize none: NO LOCK, tickets WILL be sold twice; for demonstration only");
}

/* Opens the store once, before any worker does: whatever is wrong with it is said here. */
static void prepare_store(struct master *master)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(master->options->store, error);

	if (!store) {
		die("%s", error);
	}
	if (!store_take(store, STORE_WAIT_NS)) {
		die("%s: its lock is held by somebody else", master->options->store);
	}
	if (master->options->serialize == SERIALIZE_NONE) {
		warn_unlocked(store, master->options->store);
	}
	if (store_begin(store) != STORE_OK) {
		die("%s", store_error(store));
	}
	const struct booking_context queue = { .store = store, .wall_ns = clock_wall_ns() };

	for (size_t i = 0; i < master->options->event_count; i++) {
		make_event(&queue, &master->options->events[i]);
	}
	/* Holds that are tied to connections of a server that is gone. */
	if ((store_serve(store) && !booking_release_all(&queue)) ||
	    store_commit(store) != STORE_OK) {
		die("%s", store_error(store));
	}
	batch_fill_board(&queue, master->shared.board);
	if (!archive_restore(&master->shared, store)) {
		die("%s", store_error(store));
	}
	store_give(store);
	master->store_lock = store_mutex(store);
	store_close(store);
}

static void open_listeners(struct master *master)
{
	char text[LISTENER_TEXT_SIZE];

	for (size_t i = 0; i < master->options->listener_count; i++) {
		master->listeners[i] = listener_open(&master->options->listeners[i]);
		listener_text(master->listeners[i], text);
		(void)printf("listening %s %s\n",
			     listener_kind_name(master->options->listeners[i].kind), text);
	}
}

/* A connection is a descriptor: the limit is raised as far as it goes. */
static void raise_limits(const struct options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_cur < options->max_connections + SPARE_FILES) {
			log_warning("only %llu descriptors a process may be open: fewer than "
				    "--max-connections %u",
				    (unsigned long long)limit.rlim_cur, options->max_connections);
		}
	}
}

static void become_user(const char *name)
{
	if (*name == '\0') {
		return;
	}
	const struct passwd *user = getpwnam(name);

	if (!user) {
		die("--user %s: there is no such user", name);
	}
	if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0) {
		die("--user %s: %s", name, strerror(errno));
	}
}

static void write_pid_file(const char *path)
{
	if (*path == '\0') {
		return;
	}
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%d\n", (int)getpid()) < 0 || fclose(file) != 0) {
		die("--pid-file %s: %s", path, strerror(errno));
	}
}

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
	raise_limits(options);
	shared_state_init(&master->shared, options);
	open_listeners(master);
	become_user(options->user);
	prepare_store(master);
	write_pid_file(options->pid_file);
	make_events(master);
	make_places(master);
	for (uint32_t i = 0; i < master->place_count; i++) {
		start_worker(&master->places[i]);
	}
	(void)event_base_dispatch(master->base);
	if (*options->pid_file) {
		(void)unlink(options->pid_file);
	}
	log_info("ended");
	return 0;
}
