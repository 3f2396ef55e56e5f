/* Commands carried out in memory: without a socket, a clerk or another process. */
#include "server/lines/command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/lines/lines.h"
#include "server/lines/lines_session.h"
#include "server/lines/words.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/text/line.h"

#define TRANSCRIPT_SIZE 65536

static struct options options = { .workers = 1,
				  .max_connections = 8,
				  .history = 1,
				  .operator_password = "sesame",
				  .max_quantity = 3 };
static struct shared_state shared;
static struct core core;
static struct lines_session lines_session;
static struct session *const session = &lines_session.session;
static struct problem problem;

static void put_event(void)
{
	const struct store_event event = { .number = 1, .name = "rush", .total = 9, .open = true };

	cr_assert(stock_board_put(shared.board, &event, 7));
}

/* One worker with one session, at its first seat. */
static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	*session = (struct session){ .turn = &core.turn,
				     .front = &lines_front,
				     .seat = directory_seat(shared.directory, 0, 0),
				     .stream = streams_at(shared.streams, 0, 0),
				     .output = &streams_at(shared.streams, 0, 0)->output,
				     .number = directory_new_session(shared.directory) };
	output_init(session->output, core.turn.arena);
	core.turn.sessions->table[0] = session;
	cr_assert(directory_try(shared.directory));
	directory_claim_guest(shared.directory, session_address(session));
	directory_unlock(shared.directory);
	put_event();
}

static void finish(void)
{
	core_finish(&core);
}

TestSuite(command, .init = init, .fini = finish);

/* An error becomes the line that it is on the wire; no more bookings are under way afterwards. */
static enum outcome carry_out(struct span line, struct reply *reply)
{
	uint16_t unanswered = session->unanswered;
	enum outcome outcome;

	reply_clear(reply);
	outcome = command_carry_out(session, command_find(line), line, reply, &problem);
	session->unanswered = unanswered;
	if (outcome == OUTCOME_REFUSED) {
		words_problem(reply, &problem);
	}
	return outcome;
}

/* What happens to a line, as text: its replies, or that it waits or goes to the clerk. */
static void note(struct reply *transcript, struct span line)
{
	static const char *const outcomes[] = {
		[OUTCOME_DONE] = "",           [OUTCOME_REFUSED] = "",
		[OUTCOME_LATER] = "(later)\n", [OUTCOME_AGAIN] = "(again)\n",
		[OUTCOME_WAIT] = "(wait)\n",   [OUTCOME_CLOSE] = "(close)\n"
	};
	enum outcome outcome = carry_out(line, &core.turn.sessions->reply);

	reply_bytes(transcript, core.turn.sessions->reply.text, core.turn.sessions->reply.length);
	reply_bytes(transcript, outcomes[outcome], strlen(outcomes[outcome]));
}

static void read_piece(struct line_reader *reader, const char *input, size_t length,
		       struct reply *transcript)
{
	struct line line;
	enum line_event event;
	size_t used;

	while ((event = line_read(reader, input, length, &used, &line)) != LINE_NONE) {
		input += used;
		length -= used;
		if (event == LINE_WHOLE && line.length > 0) {
			note(transcript, (struct span){ line.text, line.length });
		} else if (event != LINE_WHOLE) {
			reply_line(transcript, "(event %d)", event);
		}
	}
}

static const char script[] =
	"/ping \xFF\xFB\x03one\r\n/nick Ann\r\0\n/where\n/left rush\n"
	"/join #r\n/join #R\nhello\n/say  to all \n//x\n/part\n/events\n\n"
	"/rooms\n/who\n/book rush 2 key=a-good-long-key-a\n/book rush 9\n/event new a 1\n"
	"/op sesame\n/event grow rush -1\n/nope\n/tell ann hi\n/help op\n"
	"/nick guest-1\n/quit bye\n";

/* Carries the script out, cut in two; the session is as it was before. */
static void run_script(size_t cut, struct reply *transcript)
{
	struct line_reader reader;

	line_reader_init(&reader);
	session->operator_role = false;
	reply_clear(transcript);
	read_piece(&reader, script, cut, transcript);
	read_piece(&reader, script + cut, sizeof(script) - 1 - cut, transcript);
}

Test(command, input_cut_at_any_byte_has_the_same_replies)
{
	struct reply whole, cut;

	reply_init(&whole, core.turn.arena, NULL);
	reply_init(&cut, core.turn.arena, NULL);
	session->said_farewell = true;
	run_script(0, &whole);
	static const char last[] = "+nick guest-1\n+bye\n(close)\n";
	cr_assert_gt(whole.length, sizeof(last));
	cr_assert_arr_eq(whole.text + whole.length - (sizeof(last) - 1), last, sizeof(last) - 1);
	for (size_t i = 1; i < sizeof(script); i++) {
		run_script(i, &cut);
		cr_assert_eq(cut.length, whole.length, "cut at %zu", i);
		cr_assert_arr_eq(cut.text, whole.text, whole.length);
	}
	reply_finish(&whole);
	reply_finish(&cut);
}

static void expect(const char *line, enum outcome outcome, const char *start)
{
	cr_expect_eq(carry_out(span_of(line), &core.turn.sessions->reply), outcome, "%s", line);
	cr_expect_geq(core.turn.sessions->reply.length, strlen(start), "%s", line);
	if (*start != '\0') {
		cr_expect_eq(strncmp(core.turn.sessions->reply.text, start, strlen(start)), 0,
			     "%s: %.*s", line, (int)core.turn.sessions->reply.length,
			     core.turn.sessions->reply.text);
	}
}

Test(command, while_bookings_are_under_way_only_bookings_and_errors_have_their_turn)
{
	session->unanswered = 1;
	expect("/book rush", OUTCOME_LATER, "");
	expect("/ping", OUTCOME_WAIT, "");
	expect("hello", OUTCOME_WAIT, "");
	expect("/quit", OUTCOME_WAIT, "");
	expect("/left rush", OUTCOME_WAIT, "");
	expect("/nope", OUTCOME_REFUSED, "-BADCMD ");
}

Test(command, a_taken_lock_puts_a_line_off_and_nothing_is_done)
{
	cr_assert(directory_try(shared.directory));
	expect("/join #r", OUTCOME_AGAIN, "");
	expect("/nick new", OUTCOME_AGAIN, "");
	expect("/where guest-1", OUTCOME_AGAIN, "");
	expect("/tell guest-1 x", OUTCOME_AGAIN, "");
	expect("/ping", OUTCOME_DONE, "+pong");
	directory_unlock(shared.directory);
	cr_expect_eq(session->seat->room_count, 0);
	expect("/join #r", OUTCOME_DONE, "+join #r 1");
	expect("/nick new", OUTCOME_DONE, "+nick new");
}

Test(command, a_full_desk_puts_a_booking_off)
{
	for (int i = 0; i < BOOKING_QUEUE_SLOTS; i++) {
		expect("/book rush", OUTCOME_LATER, "");
	}
	expect("/book rush", OUTCOME_AGAIN, "");
	expect("/book rush 0", OUTCOME_REFUSED, "-BADARG ");
}

Test(command, only_an_operator_may_do_what_is_for_operators)
{
	for (size_t i = 0; i < command_count; i++) {
		char line[64] = "/";

		strncat(line, commands[i].name, sizeof(line) - 2);
		if (commands[i].role == ROLE_OPERATOR) {
			expect(line, OUTCOME_REFUSED, "-DENIED ");
		}
	}
	expect("/op Sesame", OUTCOME_REFUSED, "-DENIED ");
	expect("/op sesame ", OUTCOME_DONE, "+op");
	expect("/workers", OUTCOME_DONE, "=1 ");
}

Test(command, someone_can_be_in_so_many_rooms_and_no_more)
{
	char line[32];

	for (int i = 0; i < SEAT_ROOMS_MAX; i++) {
		snprintf(line, sizeof(line), "/join #r%d", i);
		expect(line, OUTCOME_DONE, "+join ");
	}
	expect("/join #one-more", OUTCOME_REFUSED, "-LIMIT ");
	expect("/join #r0", OUTCOME_DONE, "+join #r0 1");
	expect("/part", OUTCOME_DONE, "+part #r0");
	expect("/part", OUTCOME_DONE, "+part #r31");
	expect("/join #one-more", OUTCOME_DONE, "+join #one-more 1");
}
