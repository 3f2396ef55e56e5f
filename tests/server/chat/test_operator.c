/* Operators' passwords that are kept hashed, from socket to socket, in one worker. */
#include "server/chat/operator.h"

#ifdef TURNSTILE_WITH_SODIUM

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "server/process/core.h"
#include "shared/base/clock.h"
#include "shared/base/password.h"

#define PEOPLE   (OPERATOR_LOOKS_MOST + 1)
#define OUT_SIZE 4096
#define WAIT_NS  (30 * NS_PER_SECOND)

static struct options options = {
	.workers = 1, .max_connections = PEOPLE, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int people[PEOPLE]; /* the clients' ends */

static int open_session(unsigned char from)
{
	struct peer_address peer = { { [10] = 0xff, [11] = 0xff, [12] = 192, [15] = from } };
	char greeting[OUT_SIZE];
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0], .peer = peer });
	core_turn(&core);
	cr_assert_gt(read(ends[1], greeting, sizeof(greeting)), 0);
	return ends[1];
}

/* Carried out, but the turn does not end. */
static void send_in(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
}

static void expect(int client, const char *text)
{
	char out[OUT_SIZE];
	ssize_t length = read(client, out, sizeof(out) - 1);

	out[length > 0 ? length : 0] = '\0';
	cr_expect_str_eq(out, text);
}

/* COUNT passwords have been looked at, one after the other, and who gave them goes on. */
static void look(int count)
{
	int64_t end_ns = clock_monotonic_ns() + WAIT_NS;

	core_turn(&core);
	while (count-- > 0) {
		while (!operators_have_news(&core.turn)) {
			cr_assert_lt(clock_monotonic_ns(), end_ns);
			clock_sleep(NS_PER_MS);
		}
		core_turn(&core);
	}
	core_turn(&core); /* those that wait for others' have their turn again */
	core_turn(&core);
}

static void give(int person, const char *password)
{
	char line[64];

	snprintf(line, sizeof(line), "/op %s\n", password);
	send_in(people[person], line);
}

static void guess(int person)
{
	char password[16];

	snprintf(password, sizeof(password), "guess %d", person);
	give(person, password);
}

static void init(void)
{
	cr_assert_null(password_make(span_of("sesame"), options.operator_password));
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
}

/* Each has an address of its own, or all have one. */
static void open_all(bool apart)
{
	for (unsigned char i = 0; i < PEOPLE; i++) {
		people[i] = open_session(apart ? i + 1 : 1);
	}
}

static void finish(void)
{
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(operator, .init = init, .fini = finish, .timeout = 60);

Test(operator, the_right_password_makes_an_operator_and_another_does_not)
{
	open_all(true);
	send_in(people[0], "/op sesam\n");
	look(1);
	expect(people[0], "-DENIED wrong password\n");
	send_in(people[0], "/mute nobody 1\n");
	core_turn(&core);
	expect(people[0], "-DENIED /mute is for operators; /op PASSWORD makes you one\n");
	send_in(people[0], "/op sesame\n");
	look(1);
	expect(people[0], "+op\n");
	send_in(people[0], "/mute nobody 1\n");
	core_turn(&core);
	expect(people[0], "-NOTFOUND nobody has that nick; /who lists everybody\n");
}

Test(operator, whoever_gave_one_waits_with_all_that_follows_and_nobody_else_does)
{
	open_all(true);
	send_in(people[0], "/op sesame\n/book\n/ping\n/op sesam\n/ping\n");
	send_in(people[1], "/ping\n");
	core_turn(&core);
	expect(people[1], "+pong\n");
	expect(people[0], "");
	look(1);
	expect(people[0], "+op\n-BADARG EVENT is missing: 1 to 32 of a-z, 0-9 and -\n+pong\n"
			  "-DENIED wrong password\n+pong\n");
}

Test(operator, so_many_wait_and_one_more_is_told_to_try_again)
{
	open_all(true);
	for (int i = 0; i < PEOPLE; i++) {
		guess(i);
	}
	core_turn(&core);
	expect(people[OPERATOR_LOOKS_MOST],
	       "-BUSY too many passwords are being looked at; try again\n");
	look(OPERATOR_LOOKS_MOST);
	for (int i = 0; i < OPERATOR_LOOKS_MOST; i++) {
		expect(people[i], "-DENIED wrong password\n");
	}
	give(OPERATOR_LOOKS_MOST, "sesame");
	look(1);
	expect(people[OPERATOR_LOOKS_MOST], "+op\n");
}

Test(operator, however_many_come_at_once_from_an_address_no_more_are_taken_on_than_are_free)
{
	open_all(false);
	for (int i = 0; i < PEOPLE; i++) {
		guess(i);
	}
	core_turn(&core);
	for (int i = GUESSES_FREE; i < PEOPLE; i++) {
		expect(people[i],
		       "-RATE too many wrong passwords from your address: wait 1 second\n");
	}
	look(GUESSES_FREE);
	for (int i = 0; i < GUESSES_FREE; i++) {
		expect(people[i], "-DENIED wrong password\n");
	}
}

Test(operator, who_gives_the_same_from_the_same_address_waits_for_one_look)
{
	open_all(false);
	for (int i = 0; i < PEOPLE; i++) {
		give(i, "sesame");
	}
	look(1);
	for (int i = 0; i < PEOPLE; i++) {
		expect(people[i], "+op\n");
	}
}

Test(operator, a_right_one_ends_the_count_of_those_that_came_with_it)
{
	open_all(false);
	for (int i = 0; i + 1 < GUESSES_FREE; i++) {
		guess(i);
	}
	give(GUESSES_FREE - 1, "sesame");
	look(GUESSES_FREE);
	expect(people[GUESSES_FREE - 1], "+op\n");
	give(GUESSES_FREE, "sesame");
	look(0);
	expect(people[GUESSES_FREE], "+op\n");
}

Test(operator, that_was_right_once_is_known_at_once_and_so_is_that_another_is_not)
{
	open_all(true);
	give(0, "sesame");
	guess(1);
	give(2, "sesame");
	look(1);
	expect(people[0], "+op\n");
	expect(people[1], "-DENIED wrong password\n");
	expect(people[2], "+op\n");
	guess(3);
	look(0);
	expect(people[3], "-DENIED wrong password\n");
}

Test(operator, who_leaves_meanwhile_keeps_nobody_waiting)
{
	const struct message gone = { .kind = MESSAGE_NOTICE, .text = span_of("go") };

	open_all(true);
	guess(0);
	guess(1);
	give(2, "sesame");
	core_turn(&core);
	for (int i = 0; i < 2; i++) { /* the first is being looked at, the second waits */
		session_end_now(core.turn.sessions->table[i], &gone);
		close(people[i]);
	}
	look(2);
	expect(people[2], "+op\n");
}

#endif
