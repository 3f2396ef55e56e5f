/* Long replies: piece by piece, whole and in order, and no more of them than is read. */
#include "server/lines/listing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener.h"
#include "server/lines/lines.h"
#include "server/process/core.h"

#define LINES      60          /* said in the room: what its log keeps, some 60 KiB */
#define LINE_BYTES 980         /* of each */
#define PIECE      20000       /* bytes: one, with a last row that goes beyond */
#define OWN_MOST   (64 * 1024) /* bytes that are not read */
#define OUT_SIZE   (1024 * 1024)
#define TURNS      10000

static struct options options = {
	.workers = 1, .max_connections = 4, .history = 200, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int ann, bob;       /* the clients' ends */
static char out[OUT_SIZE]; /* what ann read since init */
static size_t out_length;

static int open_session(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	return ends[1];
}

static void turn(void)
{
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

static void send_in(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

static bool read_some(size_t most)
{
	ssize_t got = read(ann, out + out_length, most);

	out_length += got > 0 ? (size_t)got : 0;
	out[out_length] = '\0';
	return got != 0;
}

/* Turns pass and ann reads until TEXT has come. */
static void read_until(const char *text)
{
	for (int i = 0; i < TURNS && !strstr(out, text); i++) {
		turn();
		(void)read_some(4096);
	}
	cr_assert(strstr(out, text), "%s", out + (out_length > 200 ? out_length - 200 : 0));
}

static void say_a_line(int number)
{
	char line[LINE_BYTES + 32];

	snprintf(line, sizeof(line), "line %03d %0*d\n", number, LINE_BYTES, 0);
	send_in(bob, line);
}

static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	bob = open_session();
	send_in(bob, "/nick bob\n/join #r\n");
	for (int i = 0; i < LINES; i++) {
		say_a_line(i);
	}
	ann = open_session();
	send_in(ann, "/nick ann\n/join #r\n");
	(void)read_some(4096);
	out_length = 0;
}

static void finish(void)
{
	close(ann);
	close(bob);
	turn();
	turn();
	cr_expect_eq(core.turn.sessions->count, 0);
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(listing, .init = init, .fini = finish);

/* The rows "=TIME bob line NNN …" are numbers in a row; returns what would be the next. */
static int rows_in_a_row(const char *text, int first)
{
	for (const char *row = text; (row = strstr(row, " bob line ")); row++) {
		if (row[-1] == 'Z') {
			cr_expect_eq(atoi(row + 10), first, "%.20s", row);
			first++;
		}
	}
	return first;
}

Test(listing, comes_whole_and_before_the_replies_to_what_was_asked_after_it)
{
	send_in(ann, "/ping before\n/history\n/ping after\n");
	(void)read_some(OUT_SIZE - 1);
	cr_expect_lt(out_length, 2 * PIECE, "a turn makes a piece");
	cr_expect_null(strstr(out, "+pong after\n"));
	read_until("+pong after\n");
	int first = atoi(strstr(out, " bob line ") + 10);
	int end = rows_in_a_row(out, first);
	char final[64];

	snprintf(final, sizeof(final), "\n+history %d\n+pong after\n", end - first);
	cr_expect_eq(end, LINES);
	cr_expect(strstr(out, final));
	cr_expect_eq(strncmp(out, "+pong before\n=", 14), 0, "%.40s", out);
}

Test(listing, what_is_said_meanwhile_is_heard_and_no_row_of_it)
{
	send_in(ann, "/history 50\n");
	for (int i = 0; i < 3; i++) {
		say_a_line(900 + i);
	}
	read_until("\n+history ");
	read_until("*say #r bob line 902 ");
	cr_expect_eq(rows_in_a_row(out, LINES - 50), LINES, "also where the log was short of room");
}

Test(listing, whose_log_goes_round_meanwhile_ends_all_the_same)
{
	send_in(ann, "/history\n/ping after\n");
	for (int i = 0; i < 3 * LINES; i++) {
		say_a_line(i);
	}
	read_until("+pong after\n");
	cr_expect(strstr(out, "\n+history "));
}

Test(listing, is_sent_whole_to_one_who_has_ended_its_own_side)
{
	cr_assert_eq(write(ann, "/history\n/who\n", 14), 14);
	shutdown(ann, SHUT_WR);
	read_until("\n+who 2\n");
	while (read_some(1)) {
		turn();
	}
	cr_expect_eq(rows_in_a_row(out, atoi(strstr(out, " bob line ") + 10)), LINES);
}

static bool note_nick(void *context, const char *nick)
{
	strcat(context, nick);
	strcat(context, " ");
	return false; /* a piece of one */
}

Test(listing, of_nicks_in_pieces_of_one_has_each_once)
{
	struct chat_listing listing = { .begun = false };
	char nicks[256] = "";
	int pieces = 0;

	while (!chat_each_nick(&core.turn, ROOM_NONE, &listing, note_nick, nicks)) {
		cr_assert_lt(++pieces, 5);
	}
	cr_expect_str_eq(nicks, "bob ann ");
	cr_expect_eq(listing.count, 2);
}

Test(listing, of_rooms_in_more_than_one_piece_has_each_once)
{
	char line[600];

	for (int i = 1; i < SEAT_ROOMS_MAX; i++) {
		snprintf(line, sizeof(line),
			 "/join #a-long-name-of-a-room-%d\n/topic #a-long-name-of-a-room-%d %0*d\n",
			 i, i, ROOM_TOPIC_SIZE - 1, i);
		send_in(bob, line);
	}
	send_in(ann, "/rooms\n");
	read_until("\n+rooms 32\n");
	for (int i = 1; i < SEAT_ROOMS_MAX; i++) {
		snprintf(line, sizeof(line), "=#a-long-name-of-a-room-%d 1 ", i);
		char *row = strstr(out, line);
		cr_assert(row, "%s", line);
		cr_expect_null(strstr(row + 1, line), "%s", line);
	}
}

Test(listing, ends_with_its_peer)
{
	send_in(ann, "/history\n/history\n");
	close(ann);
	turn();
	turn();
	ann = open_session();
	turn();
	read_until("+turnstile ");
}

/* All that the socket takes is sent; of the rest no more is made than a few pieces. */
Test(listing, who_asks_again_and_again_and_does_not_read_costs_a_few_pieces)
{
	static const char *const questions[] = { "/history\n", "/who\n", "/rooms\n", "/events\n" };

	for (int i = 0; i < 400; i++) { /* in the end its own socket takes no more */
		(void)!write(ann, questions[i % 4], strlen(questions[i % 4]));
		turn();
	}
	cr_expect_lt(core.turn.sessions->queued_bytes,
		     LISTENER_UNSENT_BYTES + OWN_MOST + 2 * PIECE);
	cr_expect_leq(core.turn.sessions->reply.room, OWN_MOST);
	send_in(bob, "/ping\n");
	for (int i = 0; i < TURNS; i++) {
		out_length = 0; /* it is read, and so all is answered */
		turn();
		(void)read_some(OUT_SIZE - 1);
	}
	send_in(ann, "/ping at last\n");
	read_until("+pong at last\n");
}
