/*
 * A line is a connection and the buyer who is at its window; when that one is settled, the next of
 * the queue comes. A buyer whose connection breaks keeps the line, and asks again on its next
 * connection with the same key.
 */
#include "client/rush/crowd.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client/connection/connection.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define EVENTS_AT_ONCE 256
#define TICK_NS        (20 * NS_PER_MS)
#define PROGRESS_NS    (100 * NS_PER_MS)
#define PAUSE_NS       (50 * NS_PER_MS) /* before asking or connecting again; doubles */
#define PAUSE_MAX_NS   NS_PER_SECOND
#define GATHER_NS      (5 * NS_PER_SECOND)  /* how long the first question waits for all */
#define PATIENCE_NS    (15 * NS_PER_SECOND) /* without any answer: the server is gone */
#define QUESTION_SIZE  256
#define NOBODY         UINT_MAX

enum stage { AWAY, CONNECTING, GREETING, READY, ASKING, PAUSED };

struct line {
	struct connection connection;
	enum stage stage;
	unsigned buyer;   /* at the window, or NOBODY */
	int64_t due_ns;   /* AWAY, PAUSED: when it goes on */
	int64_t pause_ns; /* the next one's length */
};

struct crowd {
	const struct rush_plan *plan;
	struct rush_tally *tally;
	struct line *lines;
	unsigned next; /* of the queue */
	unsigned ready;
	bool open; /* the windows are */
	int epoll;
	int64_t now_ns; /* of this turn */
	int64_t opened_ns;
	int64_t news_ns; /* when something went on last */
	int64_t tick_ns;
	int64_t progress_ns;
};

static void pause_line(struct crowd *crowd, struct line *line, enum stage stage)
{
	line->stage = stage;
	line->due_ns = crowd->now_ns + line->pause_ns;
	line->pause_ns = line->pause_ns * 2 > PAUSE_MAX_NS ? PAUSE_MAX_NS : line->pause_ns * 2;
}

/* The connection is lost; its buyer, if there is one, will ask again. */
static void lose(struct crowd *crowd, struct line *line)
{
	connection_close(&line->connection);
	pause_line(crowd, line, AWAY);
}

static void watch(const struct crowd *crowd, struct line *line, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = line };

	if (epoll_ctl(crowd->epoll, how, line->connection.descriptor, &event) != 0) {
		die("epoll_ctl: %s", strerror(errno));
	}
}

static void connect_line(struct crowd *crowd, struct line *line)
{
	const struct rush_plan *plan = crowd->plan;
	const int yes = 1;

	line->connection.start = 0;
	line->connection.end = 0;
	line->connection.descriptor =
		socket(plan->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (line->connection.descriptor < 0) {
		die("socket: %s", strerror(errno));
	}
	setsockopt(line->connection.descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	line->stage = CONNECTING;
	if (connect(line->connection.descriptor, (const struct sockaddr *)&plan->address,
		    plan->address_length) == 0 ||
	    errno == EINPROGRESS) {
		watch(crowd, line, EPOLL_CTL_ADD, EPOLLOUT);
	} else {
		lose(crowd, line);
	}
}

/* A question is short and the connection silent: what does not go out at once is a broken one. */
static void ask(struct crowd *crowd, struct line *line)
{
	const struct rush_plan *plan = crowd->plan;
	struct rush_buyer *buyer = &crowd->tally->buyers[line->buyer];
	char question[QUESTION_SIZE];
	size_t written;

	int length = snprintf(question, sizeof(question),
			      "/book %s %" PRId64 " key=rush-%016" PRIx64 "-%u\n",
			      plan->event->name, plan->each, plan->number, line->buyer);
	if (buyer->asked_ns == 0) {
		buyer->asked_ns = clock_monotonic_ns();
	} else {
		crowd->tally->retries++;
	}
	line->stage = ASKING;
	connection_write(&line->connection, question, (size_t)length, &written);
	if (written < (size_t)length) {
		lose(crowd, line);
	}
}

/* Once the windows are open, the buyer at this one asks; if nobody is, the next of the queue. */
static void serve(struct crowd *crowd, struct line *line)
{
	line->stage = READY;
	if (!crowd->open) {
		return;
	}
	if (line->buyer == NOBODY && crowd->next < crowd->tally->count) {
		line->buyer = crowd->next++;
	}
	if (line->buyer != NOBODY) {
		ask(crowd, line);
	}
}

static void take_greeting(struct crowd *crowd, struct line *line, struct span text)
{
	if (!span_starts(text, "+turnstile 1")) {
		lose(crowd, line);
		return;
	}
	crowd->ready++;
	serve(crowd, line);
}

static void take_answer(struct crowd *crowd, struct line *line, struct span text)
{
	struct rush_buyer *buyer = &crowd->tally->buyers[line->buyer];

	if (!rush_tally_answer(crowd->tally, buyer, text, clock_monotonic_ns())) {
		pause_line(crowd, line, PAUSED);
		return;
	}
	crowd->news_ns = crowd->now_ns;
	line->pause_ns = PAUSE_NS;
	line->buyer = NOBODY;
	if (buyer->fate == RUSH_SOLD) {
		crowd->plan->event->left -= crowd->plan->each;
	}
	serve(crowd, line);
}

static void take_line(struct crowd *crowd, struct line *line, struct span text)
{
	bool final = span_starts(text, "+") || span_starts(text, "-");

	if (final && line->stage == GREETING) {
		take_greeting(crowd, line, text);
	} else if (final && line->stage == ASKING) {
		take_answer(crowd, line, text);
	}
}

static void read_lines(struct crowd *crowd, struct line *line)
{
	enum connection_state state = connection_fill(&line->connection);
	struct span text;

	while (line->stage != AWAY && connection_take_line(&line->connection, &text)) {
		take_line(crowd, line, text);
	}
	if (line->stage != AWAY && state != CONNECTION_OPEN) {
		lose(crowd, line);
	}
}

static void end_connecting(struct crowd *crowd, struct line *line)
{
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(line->connection.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0) {
		lose(crowd, line);
		return;
	}
	line->stage = GREETING;
	watch(crowd, line, EPOLL_CTL_MOD, EPOLLIN);
}

static void turn(struct crowd *crowd)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(crowd->epoll, events, EVENTS_AT_ONCE, (int)(TICK_NS / NS_PER_MS));

	crowd->now_ns = clock_monotonic_ns();
	for (int i = 0; i < count; i++) {
		struct line *line = events[i].data.ptr;
		if (line->stage == CONNECTING) {
			end_connecting(crowd, line);
		} else if (line->stage != AWAY) {
			read_lines(crowd, line);
		}
	}
}

static void open_windows(struct crowd *crowd)
{
	crowd->open = true;
	crowd->opened_ns = crowd->now_ns;
	crowd->news_ns = crowd->now_ns;
	for (unsigned i = 0; i < crowd->plan->connections; i++) {
		if (crowd->lines[i].stage == READY) {
			serve(crowd, &crowd->lines[i]);
		}
	}
}

/* A line whose pause is over goes on. Without a buyer it stays away once the queue is empty. */
static void go_on(struct crowd *crowd, struct line *line)
{
	const bool needed = line->buyer != NOBODY || crowd->next < crowd->tally->count;

	if (line->due_ns > crowd->now_ns || !needed) {
		return;
	}
	if (line->stage == PAUSED) {
		serve(crowd, line);
	} else if (line->stage == AWAY) {
		connect_line(crowd, line);
	}
}

static void tick(struct crowd *crowd)
{
	if (crowd->now_ns < crowd->tick_ns) {
		return;
	}
	crowd->tick_ns = crowd->now_ns + TICK_NS;
	for (unsigned i = 0; i < crowd->plan->connections; i++) {
		go_on(crowd, &crowd->lines[i]);
	}
	if (crowd->plan->progress && crowd->now_ns >= crowd->progress_ns) {
		crowd->plan->progress(crowd->plan, crowd->tally);
		crowd->progress_ns = crowd->now_ns + PROGRESS_NS;
	}
}

static void connect_all(struct crowd *crowd)
{
	crowd->now_ns = clock_monotonic_ns();
	for (unsigned i = 0; i < crowd->plan->connections && !*crowd->plan->stop; i++) {
		crowd->lines[i].buyer = NOBODY;
		crowd->lines[i].pause_ns = PAUSE_NS;
		connect_line(crowd, &crowd->lines[i]);
		/* So that the listener's queue does not overflow. */
		if (i % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1) {
			turn(crowd);
		}
	}
	const int64_t deadline_ns = crowd->now_ns + GATHER_NS;
	while (!*crowd->plan->stop && crowd->ready < crowd->plan->connections &&
	       crowd->now_ns < deadline_ns) {
		turn(crowd);
		tick(crowd);
	}
}

static void close_all(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->plan->connections; i++) {
		if (crowd->lines[i].stage != AWAY) {
			connection_close(&crowd->lines[i].connection);
		}
	}
	close(crowd->epoll);
	free(crowd->lines);
}

static bool is_over(const struct crowd *crowd)
{
	return *crowd->plan->stop || crowd->tally->settled == crowd->tally->count ||
	       crowd->now_ns - crowd->news_ns > PATIENCE_NS;
}

void rush_crowd_run(const struct rush_plan *plan, struct rush_tally *tally)
{
	struct crowd crowd = { .plan = plan, .tally = tally };

	crowd.lines = calloc(plan->connections, sizeof(crowd.lines[0]));
	crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!crowd.lines || crowd.epoll < 0) {
		die("%u connections: %s", plan->connections, strerror(errno));
	}
	connect_all(&crowd);
	open_windows(&crowd);
	while (!is_over(&crowd)) {
		turn(&crowd);
		tick(&crowd);
	}
	*plan->elapsed_ns = crowd.news_ns - crowd.opened_ns;
	if (!*plan->stop) {
		rush_tally_give_up(tally, "no answer from the server");
	}
	if (plan->progress) {
		plan->progress(plan, tally);
	}
	close_all(&crowd);
}
