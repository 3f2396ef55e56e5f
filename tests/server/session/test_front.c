/*
 * A front that the core knows nothing of: one letter and its arguments, all in one notation. Two of
 * its sessions and one of `lines` hear each other, over sockets, and book from one stock.
 */
#include "server/session/front.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/booking/boxoffice.h"
#include "server/chat/chat.h"
#include "server/lines/lines.h"
#include "server/process/core.h"

/* The front: "jROOM", "sTEXT", "bEVENT", each ended by ';'. All that it says ends so, too. */

static void say(struct session *session, const char *word, const char *text)
{
	char bytes[512];

	session_send(session, bytes, (size_t)snprintf(bytes, sizeof(bytes), "%s(%s);", word, text));
}

static void greet(struct session *session)
{
	say(session, "hello", session->seat->nick);
}

static void refused(struct session *session, const struct problem *problem)
{
	say(session, problem_code_name(problem->code), problem->text);
}

static void answer(struct session *session, const struct booking_request *request,
		   const struct booking_answer *answer)
{
	struct problem problem;

	if (boxoffice_problem(request, answer, &problem)) {
		refused(session, &problem);
	} else {
		say(session, "ticket", answer->code);
	}
}

static enum outcome carry_out(struct session *session, char verb, struct span argument,
			      struct problem *problem)
{
	struct booking_request request = { .verb = BOOKING_BOOK, .quantity = 1 };
	struct chat_joined joined;
	uint16_t room;

	if (verb == 'j') {
		return chat_join(session, argument, &joined, problem);
	}
	if (verb == 'b') {
		memcpy(request.event, argument.text, argument.length);
		return boxoffice_submit(session, &request, problem);
	}
	if (chat_own_room(session, span_of(""), &room, problem) != OUTCOME_DONE) {
		return OUTCOME_REFUSED;
	}
	return chat_say(session, room, argument, problem);
}

static void take(struct session *session, char *bytes, size_t length)
{
	struct problem problem;

	for (char *end; (end = memchr(bytes, ';', length)); bytes = end + 1) {
		const struct span argument = { bytes + 1, (size_t)(end - bytes) - 1 };

		if (carry_out(session, *bytes, argument, &problem) == OUTCOME_REFUSED) {
			refused(session, &problem);
		}
		length -= (size_t)(end + 1 - bytes);
	}
}

static size_t message_size(const struct message *message)
{
	return 64 + message->room.length + message->nick.length + message->text.length;
}

static size_t write_message(const struct message *message, char *bytes)
{
	return (size_t)sprintf(bytes, "heard%d(%.*s);", message->kind, (int)message->text.length,
			       message->text.text);
}

static size_t message_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, ';', length);

	return end ? (size_t)(end - bytes) + 1 : 0;
}

static const struct front toy_front = { .session_size = sizeof(struct session),
					.of_people = true,
					.busy = "full;",
					.greet = greet,
					.refuse = refused,
					.take = take,
					.answer = answer,
					.message_size = message_size,
					.write_message = write_message,
					.message_length = message_length };

/* One worker without a process */

static struct options options = {
	.workers = 1, .max_connections = 8, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct core core;
static int ann, bob, zoe; /* the clients' ends: two of the toy's, one of lines */

static int open_session(const struct front *front)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	(void)session_open(&core.turn, front, &(struct session_socket){ .descriptor = ends[0] });
	return ends[1];
}

static void send_in(int client, const char *text)
{
	cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
}

static void expect(int client, const char *text)
{
	char out[4096];
	ssize_t length = read(client, out, sizeof(out) - 1);

	out[length > 0 ? length : 0] = '\0';
	cr_expect_str_eq(out, text);
}

static void init(void)
{
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
	ann = open_session(&toy_front);
	bob = open_session(&toy_front);
	zoe = open_session(&lines_front);
	send_in(ann, "j#r;");
	send_in(bob, "j#r;");
	send_in(zoe, "/nick zoe\n/join #r\n");
	expect(ann, "hello(guest-1);heard1();heard1();");
	expect(bob, "hello(guest-2);heard1();");
}

static void finish(void)
{
	close(ann);
	close(bob);
	close(zoe);
	(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
	core_turn(&core);
	cr_expect_eq(core.turn.sessions->count, 0);
	event_base_free(core.turn.base);
	core_finish(&core);
}

TestSuite(front, .init = init, .fini = finish);

Test(front, each_hears_the_others_in_its_own_notation)
{
	char greeting[512];

	(void)!read(zoe, greeting, sizeof(greeting));
	send_in(ann, "shello;");
	expect(ann, "");
	expect(bob, "heard0(hello);");
	expect(zoe, "*say #r guest-1 hello\n");
	send_in(zoe, "good evening\n");
	expect(ann, "heard0(good evening);");
	expect(bob, "heard0(good evening);");
	expect(zoe, "");
	send_in(ann, "j#nowhere at all;");
	expect(ann, "BADARG(a room is # and 1 to 32 letters, digits, _ or -);");
}

/* In the clerk's place. */
static void answer_booking(enum booking_outcome outcome)
{
	struct booking_ring *ring = &shared.queue->rings[0];
	struct booking_slot *slot = &ring->slots[ring->answered % BOOKING_QUEUE_SLOTS];

	cr_assert_str_eq(slot->request.event, "rush");
	slot->answer = (struct booking_answer){ .outcome = outcome, .code = "CODE" };
	atomic_store(&ring->answered, ring->answered + 1);
	core_turn(&core);
}

Test(front, a_booking_is_answered_in_its_own_notation)
{
	send_in(bob, "brush;");
	expect(bob, "");
	answer_booking(BOOKING_DONE);
	expect(bob, "ticket(CODE);");
	send_in(bob, "brush;");
	answer_booking(BOOKING_SOLD_OUT);
	expect(bob, "SOLDOUT(rush 0);");
}

Test(front, one_who_was_ended_is_not_listened_to_and_let_go_though_nobody_told_its_worker)
{
	const struct session *session = core.turn.sessions->table[2];
	const struct address where = session_address(session);
	char greeting[512];

	(void)!read(zoe, greeting, sizeof(greeting));
	cr_assert(directory_try(shared.directory));
	cr_expect(directory_end(shared.directory, where));
	cr_expect_not(directory_end(shared.directory, where), "it is ended already");
	directory_unlock(shared.directory);
	send_in(zoe, "not any more\n/nick zoe\n");
	expect(zoe, "");
	expect(ann, "");
	core_tick(&core);
	core_turn(&core);
	expect(zoe, "*notice an operator kicked you\n");
	cr_expect_eq(read(zoe, greeting, sizeof(greeting)), 0, "and then the end");
	cr_expect_eq(session_find(&core.turn, where.seat, where.session), session,
		     "it lingers, as its peer did not end");
}
