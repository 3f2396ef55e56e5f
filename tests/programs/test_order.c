/*
 * Requests with one key take effect in the order in which they came, whatever became of their
 * connections and of who served them: who is told that all is sold is not sold anything afterwards.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_order, .init = init, .fini = finish, .timeout = 120);

#define TestOnBoth(promise)                    \
	static void promise(const char *kind); \
	Test(programs_order, promise##_sqlite) \
	{                                      \
		promise("sqlite");             \
	}                                      \
	Test(programs_order, promise##_json)   \
	{                                      \
		promise("json");               \
	}                                      \
	static void promise(const char *kind)

/* Bytes that lie unread in the socket of a worker that is stopped */

#define KEY    "a-good-long-key-asked-twice"
#define CROWD  320 /* connections that all have something */
#define STOCK  "rush=1"
#define BOOKED "+booked "

static struct talk first, elsewhere;
static struct talk crowd[CROWD];
static char code[TICKET_CODE_SIZE]; /* of the one ticket, which somebody else has */
static pid_t stopped;

/* All is sold, and the worker that serves `first` stands still. */
static void sell_out_and_stop(const char *kind)
{
	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--event", STOCK, "--max-per-address", "0");
	open_on(&first, server.lines_port, 1);
	open_on(&elsewhere, server.lines_port, 2);
	ask_code(&elsewhere, code, BOOKED, "/book rush");
	cr_assert_eq(serving(&first, &stopped), 1);
}

static void stop(void)
{
	cr_assert(watch_signal(server.pid, stopped, SIGSTOP));
	cr_assert(eventually(watch_state(stopped) == 'T'));
}

/* Where all takes long it was taken for hung and ended: its successor reads the same bytes. */
static void go_on(void)
{
	(void)watch_signal(server.pid, stopped, SIGCONT);
}

/* The client asks elsewhere, is refused, and then the ticket comes back. */
static void be_refused_elsewhere(void)
{
	ask(&elsewhere, "-SOLDOUT rush 0$", "/book rush key=" KEY);
	ask(&elsewhere, "+cancelled ", "/cancel %s", code);
}

static void expect_unsold(void)
{
	ask(&elsewhere, "+audit rush 0 0 1 1 ok$", "/audit rush");
	ask(&elsewhere, BOOKED, "/book rush key=" KEY);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

TestOnBoth(what_lay_unread_while_its_client_was_refused_elsewhere_is_not_sold)
{
	sell_out_and_stop(kind);
	stop();
	talk_say(&first, "/book rush key=" KEY);
	be_refused_elsewhere();
	go_on();
	talk_expect_answer(&first, "-BUSY ");
	expect_unsold();
}

TestOnBoth(nor_is_what_its_client_sent_before_it_hung_up)
{
	sell_out_and_stop(kind);
	stop();
	talk_say(&first, "/book rush key=" KEY);
	talk_close(&first);
	be_refused_elsewhere();
	go_on();
	cr_assert(eventually(stat_of(&elsewhere, "turnstile_connections") == 1));
	expect_unsold();
}

/* The loop is not told of all of them at once. */
TestOnBoth(nor_is_it_among_many_others_that_have_something)
{
	sell_out_and_stop(kind);
	for (unsigned i = 0; i < CROWD; i++) {
		talk_open_greeted(&crowd[i], server.lines_port);
	}
	stop();
	for (unsigned i = 0; i < CROWD; i++) {
		talk_say(&crowd[i], "/left rush");
	}
	talk_say(&first, "/book rush key=" KEY);
	be_refused_elsewhere();
	go_on();
	talk_expect_answer(&first, "-BUSY ");
	expect_unsold();
}

TestOnBoth(nor_is_it_behind_more_than_is_read_at_once)
{
	static char much[100000]; /* one line that is too long */

	sell_out_and_stop(kind);
	stop();
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\n';
	talk_write(&first, much, sizeof(much));
	talk_say(&first, "/book rush key=" KEY);
	be_refused_elsewhere();
	go_on();
	talk_expect_answer(&first, "-TOOLONG ");
	talk_expect_answer(&first, "-BUSY ");
	expect_unsold();
}

TestOnBoth(what_lay_unread_and_was_refused_to_nobody_is_sold)
{
	sell_out_and_stop(kind);
	ask(&elsewhere, "+cancelled ", "/cancel %s", code);
	ask(&elsewhere, "-NOTFOUND ", "/book none key=a-good-long-key-of-another");
	stop();
	talk_say(&first, "/book rush key=" KEY);
	ask(&elsewhere, "-NOTFOUND ", "/book none key=a-good-long-key-of-one-more");
	go_on();
	talk_expect_answer(&first, BOOKED);
	ask(&elsewhere, "+audit rush 1 0 0 1 ok$", "/audit rush");
}

/* A refusal is no hindrance to who asks again afterwards. */
TestOnBoth(who_was_refused_gets_what_has_come_back_since)
{
	sell_out_and_stop(kind);
	ask(&first, "-SOLDOUT rush 0$", "/book rush key=" KEY);
	ask(&elsewhere, "+cancelled ", "/cancel %s", code);
	ask(&first, BOOKED, "/book rush key=" KEY);
}

/* A rush at the edge of selling out, with kills */

#define SHOPPERS 40
#define TICKETS  30
#define KEYS     20000            /* requests of all of them, at most */
#define KILLS    8                /* after which nothing more is asked for */
#define KEEPERS  64               /* of so many one keeps the ticket */
#define PAUSE_NS (60 * NS_PER_MS) /* between two kills */

enum wish { WISH_TICKET, WISH_REFUND };

struct shopper {
	int socket; /* 0: not connected */
	unsigned key;
	enum wish wish;
	size_t length;
	char bytes[512];
};

static struct shopper shoppers[SHOPPERS];

/* What became of each key. */
static struct {
	bool told;                   /* its buyer knows */
	bool returned;               /* and gave the ticket back */
	char code[TICKET_CODE_SIZE]; /* "": it was sold out */
} keys[KEYS];
static unsigned next_key, lost;
static struct killer killer;

static void say(struct shopper *shopper)
{
	char line[128];
	int length =
		shopper->wish == WISH_TICKET
			? snprintf(line, sizeof(line), "/book rush key=a-good-long-key-%u\n",
				   shopper->key)
			: snprintf(line, sizeof(line), "/cancel %s\n", keys[shopper->key].code);

	/* If it fails, so will the next read, and it is said again. */
	(void)!send(shopper->socket, line, (size_t)length, MSG_NOSIGNAL);
}

static void connect_and_say(struct shopper *shopper)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(server.lines_port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	lost += shopper->socket > 0;
	if (shopper->socket > 0) {
		close(shopper->socket);
	}
	shopper->length = 0;
	shopper->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(shopper->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	say(shopper);
}

static void begin_next(struct shopper *shopper)
{
	shopper->wish = WISH_TICKET;
	shopper->key = KEYS;
	if (next_key < KEYS && killer.kills < KILLS) {
		shopper->key = next_key++;
		say(shopper);
	}
}

static bool is_done(const struct shopper *shopper)
{
	return shopper->key == KEYS;
}

/* Nearly all who get a ticket give it back, so that the edge is never far. */
static void take_line(struct shopper *shopper, const char *line)
{
	char *got = keys[shopper->key].code;

	if (line[0] == '*' || strncmp(line, "+turnstile 1 ", 13) == 0) {
		return;
	}
	if (strncmp(line, "-BUSY ", 6) == 0) {
		say(shopper);
		return;
	}
	if (shopper->wish == WISH_REFUND) {
		cr_assert(strncmp(line, "+cancelled ", 11) == 0 || strncmp(line, "-USED ", 6) == 0,
			  "'%s'", line);
		keys[shopper->key].returned = true;
	} else {
		keys[shopper->key].told = true;
		cr_assert(sscanf(line, "+booked %19s", got) == 1 ||
				  strncmp(line, "-SOLDOUT rush ", 14) == 0,
			  "'%s'", line);
	}
	if (shopper->wish == WISH_TICKET && got[0] != '\0' && shopper->key % KEEPERS != 0) {
		shopper->wish = WISH_REFUND;
		say(shopper);
	} else {
		begin_next(shopper);
	}
}

static void hear(struct shopper *shopper)
{
	ssize_t count = recv(shopper->socket, shopper->bytes + shopper->length,
			     sizeof(shopper->bytes) - shopper->length, MSG_DONTWAIT);
	const char *end;

	if (count == 0 || (count < 0 && errno != EAGAIN)) {
		connect_and_say(shopper);
		return;
	}
	shopper->length += count > 0 ? (size_t)count : 0;
	while (!is_done(shopper) && (end = memchr(shopper->bytes, '\n', shopper->length))) {
		size_t length = (size_t)(end - shopper->bytes);

		shopper->bytes[length] = '\0';
		take_line(shopper, shopper->bytes);
		shopper->length -= length + 1;
		memmove(shopper->bytes, shopper->bytes + length + 1, shopper->length);
	}
}

static bool hear_all(void)
{
	struct pollfd sockets[SHOPPERS];
	bool all_done = true;

	for (unsigned i = 0; i < SHOPPERS; i++) {
		sockets[i] = (struct pollfd){ .fd = is_done(&shoppers[i]) ? -1 : shoppers[i].socket,
					      .events = POLLIN };
		all_done &= is_done(&shoppers[i]);
	}
	poll(sockets, SHOPPERS, 100);
	for (unsigned i = 0; i < SHOPPERS; i++) {
		if (sockets[i].revents != 0) {
			hear(&shoppers[i]);
		}
	}
	return !all_done;
}

static void rush_amid_kills(void)
{
	killer_start(&killer, server.pid, PAUSE_NS);
	for (unsigned i = 0; i < SHOPPERS; i++) {
		shoppers[i].key = next_key++;
		connect_and_say(&shoppers[i]);
	}
	while (hear_all()) {
		; /* who gets no answer runs into the suite's time-out */
	}
	killer_stop(&killer);
	cr_expect_gt(lost, 0, "nobody lost a connection");
}

/* Nothing is sold by now; what a key was sold is still told. */
static void expect_as_told(struct talk *talk, unsigned key)
{
	const char *got = keys[key].code;

	cr_assert(keys[key].told);
	talk_say(talk, "/book rush key=a-good-long-key-%u", key);
	if (got[0] == '\0') {
		talk_expect_answer(talk, "-CLOSED rush does not sell now");
	} else if (keys[key].returned) {
		talk_expect_answer(talk, text_of("-USED %s was cancelled before", got));
	} else {
		talk_expect_answer(talk, text_of("+booked %s rush 1", got));
	}
}

TestOnBoth(each_ticket_that_is_sold_while_workers_are_killed_was_told_to_its_buyer)
{
	static struct talk talk;
	unsigned sold = 0;

	turnstiled_start(&server, "--workers", "4", "--adopt", "off", "--store",
			 store_url(&server, kind, "store"), "--event", text_of("rush=%d", TICKETS),
			 "--rate", "0", "--max-per-address", "0", "--op-password-file",
			 password_file(&server));
	rush_amid_kills();
	talk_open_greeted(&talk, server.lines_port);
	become_operator(&talk);
	ask(&talk, "+event rush closed$", "/event close rush");
	for (unsigned key = 0; key < next_key; key++) {
		expect_as_told(&talk, key);
		sold += keys[key].code[0] != '\0' && !keys[key].returned;
	}
	ask(&talk, text_of("+audit rush %u 0 %u %d ok$", sold, TICKETS - sold, TICKETS),
	    "/audit rush");
}
