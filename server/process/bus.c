#include "server/process/bus.h"

#ifdef TURNSTILE_WITH_NATS

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef TURNSTILE_WITH_TLS
#include <openssl/ssl.h>
#endif

#include "server/bus/company.h"
#include "server/bus/jetstream.h"
#include "server/bus/publisher.h"
#include "server/bus/reader.h"
#include "server/process/bind.h"
#include "server/process/worker.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

#define LOOK_NS     (50 * NS_PER_MS)    /* between two looks at the master's channel */
#define LISTEN_NS   (10 * NS_PER_MS)    /* between two looks at what the others tell */
#define AGAIN_NS    (500 * NS_PER_MS)   /* before it is tried once more to connect */
#define CUT_NS      (2 * NS_PER_SECOND) /* then people are told */
#define LAST_NS     NS_PER_SECOND       /* for what is said last, when the server stops */
#define CATCH_UP_NS (3 * NS_PER_SECOND) /* for the history, before the server is ready */
#define TAKE_MOST   256                 /* messages until workers are woken */

struct bus_process {
	const struct worker_start *start;
	struct shared_state *shared;
	struct bus *bus;
	struct score *score;
	pthread_mutex_t lock; /* of what follows: publishing beside connecting */
	struct jetstream *stream;
	struct publisher publisher;
	bool open; /* the stream is there */
	/* The reader's own. */
	struct company *company;
	size_t address;  /* the one that is tried, or was last */
	uint64_t last;   /* of the stream, when it was opened: up to there it is history */
	int64_t away_ns; /* since when it is not up: monotonic */
	int64_t again_ns;
	int64_t end_ns; /* 0: the server does not stop */
	bool failed;    /* to open it was tried in vain since it is away */
	bool ready;
	bool finished;
	int status;
	char told[BUS_ADDRESSES_MAX][JETSTREAM_ERROR_SIZE]; /* why: of each address said once */
	struct channel_message received;
};

/* Publishing: a thread of its own */

static void sleep_unless_work(struct bus_process *process)
{
	struct waker *waker = &process->score->waker;
	struct pollfd woken = { .fd = waker->descriptor, .events = POLLIN };
	uint64_t count;

	waker_arm(waker);
	pthread_mutex_lock(&process->lock);
	const bool work = process->open && publisher_has_work(&process->publisher);

	pthread_mutex_unlock(&process->lock);
	if (!work && poll(&woken, 1, (int)(AGAIN_NS / NS_PER_MS)) > 0) {
		(void)!read(waker->descriptor, &count, sizeof(count));
	}
	waker_disarm(waker);
}

static void *publish(void *argument)
{
	struct bus_process *process = argument;

	for (;;) {
		sleep_unless_work(process);
		pthread_mutex_lock(&process->lock);
		bool took = !process->open || publisher_run(&process->publisher, process->stream,
							    clock_monotonic_ns());

		pthread_mutex_unlock(&process->lock);
		if (!took) {
			clock_sleep(LOOK_NS); /* whoever reads sees that the connection broke */
		}
	}
	return NULL;
}

/* What people are told */

static void tell(struct bus_process *process)
{
	atomic_fetch_add(&process->bus->notices, 1);
	reader_wake(process->shared, UINT64_MAX);
}

static bool is_told_away(const struct bus_process *process)
{
	return process->bus->notices % 2 != 0;
}

static void note_stuck(const struct bus_process *process)
{
	if (process->open) {
		log_warning("the bus is away: it takes nothing that is said: %s",
			    jetstream_trouble(process->stream));
	}
}

/* A stream that is there and takes nothing is no better than none. */
static bool is_up(struct bus_process *process, int64_t now_ns)
{
	pthread_mutex_lock(&process->lock);
	const bool up = process->open && !publisher_is_stuck(&process->publisher, now_ns);

	pthread_mutex_unlock(&process->lock);
	return up;
}

static void look_whether_up(struct bus_process *process, int64_t now_ns)
{
	const bool up = is_up(process, now_ns);

	if (process->bus->up && !up) {
		process->away_ns = now_ns;
		note_stuck(process);
	}
	atomic_store(&process->bus->up, up);
	if (up && is_told_away(process)) {
		tell(process);
	}
	if (!up && !is_told_away(process) && now_ns - process->away_ns >= CUT_NS) {
		bus_count(process->bus, BUS_CUTS);
		tell(process);
	}
}

/* Opening and closing */

static void close_stream(struct bus_process *process)
{
	pthread_mutex_lock(&process->lock);
	process->open = false;
	jetstream_close(process->stream);
	pthread_mutex_unlock(&process->lock);
}

static void note_away(struct bus_process *process)
{
	const char *why = jetstream_error(process->stream);
	char *told = process->told[process->address];

	process->failed = true;
	if (strcmp(told, why) != 0) {
		(void)snprintf(told, JETSTREAM_ERROR_SIZE, "%s", why);
		log_warning("the bus is away: %s; it is tried again", why);
	}
}

static void note_open(struct bus_process *process, uint64_t first)
{
	log_notice("the bus is there: the stream is read from message %llu on, its last is %llu",
		   (unsigned long long)first, (unsigned long long)process->last);
	process->failed = false;
	memset(process->told, 0, sizeof(process->told));
	(void)waker_wake(&process->score->waker);
}

/* Before each step that may take seconds, so that nobody takes it for one that hangs. */
static void beat(struct bus_process *process)
{
	atomic_store(&process->score->heartbeat_ns, clock_monotonic_ns());
}

static bool connect_next(struct bus_process *process)
{
	const size_t count = bus_target_count();

	process->address = process->address + 1 < count ? process->address + 1 : 0;
	return jetstream_connect(process->stream, bus_target_address(process->address));
}

static void open_stream(struct bus_process *process)
{
	struct jetstream_state state;
	uint64_t first = 0;
	bool open = connect_next(process);

	beat(process);
	open = open && jetstream_find(process->stream, &state);
	beat(process);
	open = open && company_join(process->company);
	if (open) {
		first = reader_begin(process->shared, state.created, state.last);
		process->last = state.last;
		open = jetstream_read_from(process->stream, first);
	}
	if (!open) {
		note_away(process);
		close_stream(process);
		process->again_ns = clock_monotonic_ns() + AGAIN_NS;
		return;
	}
	pthread_mutex_lock(&process->lock);
	publisher_begin(&process->publisher);
	process->open = true;
	pthread_mutex_unlock(&process->lock);
	note_open(process, first);
}

static void lose(struct bus_process *process)
{
	note_away(process);
	process->again_ns = 0;
	close_stream(process);
}

/* Reading */

static void take(struct bus_process *process, const struct jetstream_message *message,
		 uint64_t *wakes)
{
	if (reader_take(process->shared, message->bytes, message->sequence, wakes) == ORDER_EARLY) {
		publisher_note_missing(&process->publisher,
				       reader_own_worker(process->shared, message->bytes));
	}
}

/* What has come, and workers are woken once for all of it. */
static void read_some(struct bus_process *process)
{
	struct jetstream_message message;
	enum jetstream_result result = JETSTREAM_MESSAGE;
	uint64_t wakes = 0;
	int taken = 0;

	for (int64_t wait_ns = LISTEN_NS; result == JETSTREAM_MESSAGE && taken < TAKE_MOST;
	     wait_ns = 0) {
		result = jetstream_next(process->stream, wait_ns, &message);
		if (result == JETSTREAM_MESSAGE) {
			take(process, &message, &wakes);
			jetstream_done(&message);
			taken++;
		}
	}
	const bool own = company_turn(process->company, &wakes);

	reader_wake(process->shared, wakes);
	if (taken > 0) {
		(void)waker_wake(&process->score->waker); /* there is room for more on its way */
	}
	if (result == JETSTREAM_LOST || !own) {
		lose(process);
	}
}

/* The master */

static void hear_master(struct bus_process *process)
{
	enum channel_result result = channel_receive(process->start->channel, &process->received);
	uint32_t kind = MESSAGE_READY;

	if (result == CHANNEL_EMPTY) {
		return;
	}
	if (result == CHANNEL_OK && process->received.length >= sizeof(kind)) {
		memcpy(&kind, process->received.bytes, sizeof(kind));
	}
	if (kind == MESSAGE_DRAIN) {
		process->end_ns = clock_monotonic_ns() + LAST_NS;
		return;
	}
	process->finished = true;
	process->status = kind == MESSAGE_YIELD ? 0 : 1; /* or the master is gone */
}

static void say_ready(struct bus_process *process)
{
	const struct worker_message ready = { .kind = MESSAGE_READY };

	process->ready = true;
	if (channel_send(process->start->channel, &ready, WORKER_MESSAGE_LENGTH(0), NULL, 0) !=
	    CHANNEL_OK) {
		log_error("the master cannot be told: %s", strerror(errno));
		process->finished = true;
	}
}

/* With the history, or when it is not to be had: who comes then is told that it is away. */
static void look_whether_ready(struct bus_process *process, int64_t now_ns)
{
	if (!process->ready && ((process->open && process->bus->position >= process->last) ||
				process->failed || now_ns - process->away_ns >= CATCH_UP_NS)) {
		say_ready(process);
	}
}

static void look_whether_over(struct bus_process *process, int64_t now_ns)
{
	if (process->end_ns != 0 && (bus_waiting(process->bus) == 0 || now_ns >= process->end_ns)) {
		process->finished = true;
		process->status = 0;
		if (process->open) {
			company_leave(process->company);
		}
	}
}

static void run(struct bus_process *process)
{
	while (!process->finished) {
		const int64_t now_ns = clock_monotonic_ns();

		beat(process);
		if (process->open) {
			read_some(process);
		} else if (now_ns >= process->again_ns) {
			open_stream(process);
		} else {
			clock_sleep(LOOK_NS);
		}
		look_whether_up(process, now_ns);
		look_whether_ready(process, now_ns);
		look_whether_over(process, now_ns);
		hear_master(process);
	}
}

/* Beginning */

/* What OpenSSL reads once is read before the sandbox closes it off. */
static void prepare_tls(void)
{
#ifdef TURNSTILE_WITH_TLS
	(void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			       NULL);
#endif
}

static void begin(struct bus_process *process, const struct worker_start *start)
{
	log_rename("bus");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* these may reach the whole group: the master decides */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	process->start = start;
	process->shared = start->shared;
	process->bus = start->shared->bus;
	process->score = &start->shared->scoreboard->scores[start->number];
	process->away_ns = clock_monotonic_ns();
	process->status = 1;
	(void)pthread_mutex_init(&process->lock, NULL);
	atomic_store(&process->bus->up, false);
	prepare_tls();
	process->stream = jetstream_create(start->shared->options->history);
	publisher_init(&process->publisher, start->shared);
	process->company = company_create(start->shared, process->stream);
	atomic_store(&process->score->sandbox, bind_to_role(SANDBOX_BUS, start->shared->options));
}

/* The end of the process is that of its threads: NATS sees the connection end. */
int bus_run(void *argument)
{
	struct bus_process *process = calloc(1, sizeof(*process));
	pthread_t publishing;

	if (!process) {
		die("out of memory");
	}
	begin(process, argument);
	if (pthread_create(&publishing, NULL, publish, process) != 0) {
		die("no thread");
	}
	run(process);
	atomic_store(&process->bus->up, false);
	(void)fflush(NULL);
	_exit(process->status);
}

#else

int bus_run(void *start)
{
	(void)start;
	return 1;
}

#endif
