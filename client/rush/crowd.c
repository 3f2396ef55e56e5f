/*
 * A window is a connection, and the buyer who is at it. When that one has an answer, the next of
 * the queue comes. A buyer whose connection breaks stays at the window, and asks again with the
 * same key on its next connection.
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
#define ANSWER_NS      (10 * NS_PER_SECOND) /* of one of several servers, before the next is asked */
#define BUSY_NS        (60 * NS_PER_SECOND) /* without any other answer than to ask again */
#define QUESTION_SIZE  256
#define NOBODY         UINT_MAX

enum stage { AWAY, CONNECTING, GREETING, READY, ASKING, PAUSED };

struct window {
	struct connection connection;
	enum stage stage;
	unsigned buyer;   /* at the window, or NOBODY */
	unsigned server;  /* which it is of */
	int64_t due_ns;   /* AWAY, PAUSED: when it goes on; else when it is given up */
	int64_t pause_ns; /* the next one's length */
};

struct crowd {
	const struct rush_plan *plan;
	struct rush_tally *tally;
	struct window *windows;
	unsigned next; /* of the queue */
	unsigned ready;
	bool open; /* the windows are */
	int epoll;
	int64_t now_ns; /* of this turn */
	int64_t opened_ns;
	int64_t news_ns;  /* when something went on last */
	int64_t heard_ns; /* when there was an answer last, also one to ask again */
	int64_t tick_ns;
	int64_t progress_ns;
};

static void pause_window(struct crowd *crowd, struct window *window, enum stage stage)
{
	window->stage = stage;
	window->due_ns = crowd->now_ns + window->pause_ns;
	window->pause_ns =
		window->pause_ns * 2 > PAUSE_MAX_NS ? PAUSE_MAX_NS : window->pause_ns * 2;
}

/* The connection is lost; its buyer, if there is one, will ask again, at the next server. */
static void lose(struct crowd *crowd, struct window *window)
{
	connection_close(&window->connection);
	window->server = (window->server + 1) % crowd->plan->server_count;
	pause_window(crowd, window, AWAY);
}

static void watch(const struct crowd *crowd, struct window *window, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = window };

	if (epoll_ctl(crowd->epoll, how, window->connection.descriptor, &event) != 0) {
		die("epoll_ctl: %s", strerror(errno));
	}
}

static const struct rush_server *server_of(const struct crowd *crowd, const struct window *window)
{
	return &crowd->plan->servers[window->server];
}

/* The server's certificate was found good before the crowd came: what fails now is our own. */
static void secure(const struct crowd *crowd, struct window *window)
{
	char problem[CONNECTION_PROBLEM_SIZE];

	if (!connection_secure(&window->connection, server_of(crowd, window)->named, problem)) {
		die("%s", problem);
	}
}

static void connect_window(struct crowd *crowd, struct window *window)
{
	const struct rush_server *server = server_of(crowd, window);
	const int yes = 1;

	window->connection.link = NULL;
	window->connection.start = 0;
	window->connection.end = 0;
	window->connection.descriptor =
		socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (window->connection.descriptor < 0) {
		die("socket: %s", strerror(errno));
	}
	setsockopt(window->connection.descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	window->stage = CONNECTING;
	window->due_ns = crowd->now_ns + ANSWER_NS;
	if (connect(window->connection.descriptor, (const struct sockaddr *)&server->address,
		    server->address_length) == 0 ||
	    errno == EINPROGRESS) {
		secure(crowd, window);
		watch(crowd, window, EPOLL_CTL_ADD, EPOLLOUT);
	} else {
		lose(crowd, window);
	}
}

/* A question is short and the connection silent: what does not go out at once is a broken one. */
static void ask(struct crowd *crowd, struct window *window)
{
	const struct rush_plan *plan = crowd->plan;
	struct rush_buyer *buyer = &crowd->tally->buyers[window->buyer];
	char question[QUESTION_SIZE];
	size_t written;

	int length = snprintf(question, sizeof(question),
			      "/book %s %" PRId64 " key=rush-%016" PRIx64 "-%u\n",
			      plan->event->name, plan->each, plan->number, window->buyer);
	if (buyer->asked_ns == 0) {
		buyer->asked_ns = clock_monotonic_ns();
	} else {
		crowd->tally->retries++;
	}
	buyer->server = window->server;
	window->due_ns = crowd->now_ns + ANSWER_NS;
	window->stage = ASKING;
	connection_write(&window->connection, question, (size_t)length, &written);
	if (written < (size_t)length) {
		lose(crowd, window);
	}
}

/* Once the windows are open, the buyer at this one asks; if nobody is, the next of the queue. */
static void serve(struct crowd *crowd, struct window *window)
{
	window->stage = READY;
	if (!crowd->open) {
		return;
	}
	if (window->buyer == NOBODY && crowd->next < crowd->tally->count) {
		window->buyer = crowd->next++;
	}
	if (window->buyer != NOBODY) {
		ask(crowd, window);
	}
}

static void take_greeting(struct crowd *crowd, struct window *window, struct span text)
{
	if (!span_starts(text, "+turnstile 1")) {
		lose(crowd, window);
		return;
	}
	crowd->ready++;
	serve(crowd, window);
}

static void take_answer(struct crowd *crowd, struct window *window, struct span text)
{
	struct rush_buyer *buyer = &crowd->tally->buyers[window->buyer];

	crowd->heard_ns = crowd->now_ns;
	if (!rush_tally_answer(crowd->tally, buyer, text, clock_monotonic_ns())) {
		pause_window(crowd, window, PAUSED);
		return;
	}
	crowd->news_ns = crowd->now_ns;
	window->pause_ns = PAUSE_NS;
	window->buyer = NOBODY;
	if (buyer->fate == RUSH_SOLD) {
		crowd->plan->event->left -= crowd->plan->each;
	}
	serve(crowd, window);
}

static void take_line(struct crowd *crowd, struct window *window, struct span text)
{
	bool final = span_starts(text, "+") || span_starts(text, "-");

	if (final && window->stage == GREETING) {
		take_greeting(crowd, window, text);
	} else if (final && window->stage == ASKING) {
		take_answer(crowd, window, text);
	}
}

static void read_lines(struct crowd *crowd, struct window *window)
{
	enum connection_state state = connection_fill(&window->connection);
	struct span text;

	while (window->stage != AWAY && connection_take_line(&window->connection, &text)) {
		take_line(crowd, window, text);
	}
	if (window->stage != AWAY && state != CONNECTION_OPEN) {
		lose(crowd, window);
	}
}

static void end_connecting(struct crowd *crowd, struct window *window)
{
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(window->connection.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0) {
		lose(crowd, window);
		return;
	}
	window->stage = GREETING;
	watch(crowd, window, EPOLL_CTL_MOD, EPOLLIN);
}

static void turn(struct crowd *crowd)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(crowd->epoll, events, EVENTS_AT_ONCE, (int)(TICK_NS / NS_PER_MS));

	crowd->now_ns = clock_monotonic_ns();
	for (int i = 0; i < count; i++) {
		struct window *window = events[i].data.ptr;
		if (window->stage == CONNECTING) {
			end_connecting(crowd, window);
		} else if (window->stage != AWAY) {
			read_lines(crowd, window);
		}
	}
}

static void open_windows(struct crowd *crowd)
{
	crowd->open = true;
	crowd->opened_ns = crowd->now_ns;
	crowd->news_ns = crowd->now_ns;
	crowd->heard_ns = crowd->now_ns;
	for (unsigned i = 0; i < crowd->plan->connections; i++) {
		if (crowd->windows[i].stage == READY) {
			serve(crowd, &crowd->windows[i]);
		}
	}
}

/* A machine that is gone says nothing; one that is slow is waited for, if there is no other. */
static bool is_given_up(const struct crowd *crowd, const struct window *window)
{
	return crowd->plan->server_count > 1 && window->stage != READY;
}

/* A window whose pause is over goes on. Without a buyer it stays away once the queue is empty. */
static void go_on(struct crowd *crowd, struct window *window)
{
	const bool needed = window->buyer != NOBODY || crowd->next < crowd->tally->count;

	if (window->due_ns > crowd->now_ns || !needed) {
		return;
	}
	if (window->stage == PAUSED) {
		serve(crowd, window);
	} else if (window->stage == AWAY) {
		connect_window(crowd, window);
	} else if (is_given_up(crowd, window)) {
		lose(crowd, window);
	}
}

static void tick(struct crowd *crowd)
{
	if (crowd->now_ns < crowd->tick_ns) {
		return;
	}
	crowd->tick_ns = crowd->now_ns + TICK_NS;
	for (unsigned i = 0; i < crowd->plan->connections; i++) {
		go_on(crowd, &crowd->windows[i]);
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
		crowd->windows[i].buyer = NOBODY;
		crowd->windows[i].server = i % crowd->plan->server_count;
		crowd->windows[i].pause_ns = PAUSE_NS;
		connect_window(crowd, &crowd->windows[i]);
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
		if (crowd->windows[i].stage != AWAY) {
			connection_close(&crowd->windows[i].connection);
		}
	}
	close(crowd->epoll);
	free(crowd->windows);
}

static bool is_over(const struct crowd *crowd)
{
	return *crowd->plan->stop || crowd->tally->settled == crowd->tally->count ||
	       crowd->now_ns - crowd->heard_ns > PATIENCE_NS ||
	       crowd->now_ns - crowd->news_ns > BUSY_NS;
}

void rush_crowd_run(const struct rush_plan *plan, struct rush_tally *tally)
{
	struct crowd crowd = { .plan = plan, .tally = tally };

	crowd.windows = calloc(plan->connections, sizeof(crowd.windows[0]));
	crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!crowd.windows || crowd.epoll < 0) {
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
