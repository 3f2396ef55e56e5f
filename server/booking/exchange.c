#include "server/booking/exchange.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/booking/answer.h"
#include "server/session/session.h"
#include "shared/base/log.h"

#define LINE_SIZE 160 /* bytes of an *offer or *waiting */

bool boxoffice_put(struct worker *worker, const struct session *session,
		   const struct booking_request *request)
{
	struct booking_slot *slot = booking_queue_reserve(worker->shared->queue, worker->number);

	if (!slot) {
		return false;
	}
	slot->seat = session ? session->place : 0;
	slot->session = session ? session->number : 0;
	slot->request = *request;
	booking_queue_submit(worker->shared->queue, worker->number);
	worker->submitted = true;
	return true;
}

static void count(struct score *score, const struct booking_slot *slot)
{
	const struct booking_answer *answer = &slot->answer;
	bool sells = slot->request.verb == BOOKING_BOOK || slot->request.verb == BOOKING_CONFIRM;

	if (answer->outcome != BOOKING_DONE) {
		score_add(score, COUNTER_REFUSED, 1);
	} else if (sells && !answer->repeated) {
		score_add(score, COUNTER_BOOKED, (uint64_t)answer->quantity);
	}
}

/* A session's end that the store could not note: its holds and its place are still taken. */
static void keep_unreleased(struct worker *worker, uint64_t session)
{
	if (!booking_queue_keep_unreleased(worker->shared->queue, worker->number, session)) {
		log_warning("too many connections ended while the store failed: what one of them "
			    "held lapses in its time");
	}
}

static void take_answers(struct worker *worker)
{
	struct booking_queue *queue = worker->shared->queue;
	const struct booking_slot *slot;

	while ((slot = booking_queue_answer(queue, worker->number)) != NULL) {
		struct session *session =
			slot->session ? session_find(worker, slot->seat, slot->session) : NULL;

		count(worker->score, slot);
		if (slot->request.verb == BOOKING_RELEASE &&
		    slot->answer.outcome == BOOKING_FAILED) {
			keep_unreleased(worker, slot->request.client.session);
		}
		if (session) {
			reply_clear(&worker->reply);
			boxoffice_answer(&slot->request, &slot->answer, &worker->reply);
		}
		booking_queue_take(queue, worker->number);
		if (session) {
			session_answered(session);
		}
	}
}

static void tell(struct worker *worker, const struct booking_client *client, const char *line,
		 int length)
{
	struct session *session = session_find(worker, client->seat, client->session);

	if (session) {
		session_send(session, line, (size_t)length);
	}
}

static void take_offers(struct worker *worker)
{
	struct booking_queue *queue = worker->shared->queue;
	const struct booking_offer *offer;
	char line[LINE_SIZE];

	while ((offer = booking_queue_offer(queue, worker->number)) != NULL) {
		int length = snprintf(line, sizeof(line), "*offer %s %s %" PRId64 " %" PRId64 "\n",
				      offer->code, offer->event, offer->quantity, offer->seconds);

		tell(worker, &offer->client, line, length);
		booking_queue_take_offer(queue, worker->number);
	}
}

/* A waiter of this worker's whose position is another now. */
static void tell_position(struct worker *worker, struct waiter *waiter)
{
	char line[LINE_SIZE];
	uint32_t position = waiter->position;
	const struct booking_client client = waiter->client;

	if (waiter->state != WAITER_WAITS || client.worker != worker->number || position == 0 ||
	    position == waiter->told) {
		return;
	}
	waiter->told = position;
	int length = snprintf(line, sizeof(line), "*waiting %.*s %" PRId64 " %u\n",
			      NAME_EVENT_SIZE - 1, waiter->event_name, waiter->quantity, position);

	tell(worker, &client, line, length);
}

static void tell_positions(struct worker *worker)
{
	struct waitlist *list = &worker->shared->queue->waitlist;

	if (worker->numberings != list->numberings) {
		worker->numberings = list->numberings;
		for (uint32_t i = 0; i < list->never_used; i++) {
			tell_position(worker, &list->waiters[i]);
		}
	}
}

void boxoffice_turn(struct worker *worker)
{
	take_answers(worker);
	take_offers(worker);
	tell_positions(worker);
}

bool boxoffice_has_news(const struct worker *worker)
{
	const struct booking_queue *queue = worker->shared->queue;

	return booking_queue_has_answer(queue, worker->number) ||
	       worker->numberings != queue->waitlist.numberings;
}
