#include "server/lines/lines.h"

#include "server/booking/boxoffice.h"
#include "server/lines/input.h"
#include "server/lines/lines_session.h"
#include "server/lines/listing.h"
#include "server/lines/words.h"

static void send_reply(struct session *session)
{
	const struct reply *reply = &session->turn->sessions->reply;

	session_send(session, reply->text, reply->length);
}

void lines_greeting(struct session *session)
{
	reply_line(&session->turn->sessions->reply,
		   "+turnstile 1 welcome, %s; worker %u serves you; /help lists the commands",
		   session->seat->nick, session->turn->worker + 1);
}

static void greet(struct session *session)
{
	lines_greeting(session);
	send_reply(session);
}

static void refuse_peer(struct session *session, const struct problem *problem)
{
	words_problem(&session->turn->sessions->reply, problem);
	send_reply(session);
}

void lines_answer(struct session *session, const struct booking_request *request,
		  const struct booking_answer *booking_answer)
{
	struct reply *reply = &session->turn->sessions->reply;
	struct problem problem;

	if (boxoffice_problem(request, booking_answer, &problem)) {
		words_problem(reply, &problem);
		score_add(session->turn->score, COUNTER_ERRORS, 1);
	} else {
		words_booking(reply, request, booking_answer);
	}
}

const struct front lines_front = {
	.session_size = sizeof(struct lines_session),
	.of_people = true,
	.busy = "-BUSY the server has all the connections it may have; try again later\n",
	.finish = listing_finish,
	.greet = greet,
	.refuse = refuse_peer,
	.take = input_take,
	.go_on = input_go_on,
	.revive = input_revive,
	.answer = lines_answer,
	.message_size = words_message_size,
	.write_message = words_message,
	.message_length = words_line_length,
};
