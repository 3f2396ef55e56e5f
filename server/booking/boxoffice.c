#include "server/booking/boxoffice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking/ticket.h"
#include "server/booking/auditor.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PATIENCE_NS     (2 * NS_PER_SECOND) /* of who asks, while somebody else has the store */
#define OUR_PATIENCE_NS (6 * NS_PER_SECOND) /* while one of us is slow, or hangs */
#define LOOK_AGAIN_NS   (250 * NS_PER_MS)   /* who has it now */

struct boxoffice {
	uint32_t numberings; /* of those who wait, that were told */
	struct auditor *auditor;
	uint64_t oldest;  /* request of ours that was not taken back yet, or later */
	int64_t again_ns; /* nothing is taken back before: monotonic */
};

static struct booking_ring *ring_of(const struct turn *turn)
{
	return &turn->shared->queue->rings[turn->worker];
}

void boxoffice_create(struct turn *turn)
{
	turn->boxoffice = calloc(1, sizeof(*turn->boxoffice));
	if (!turn->boxoffice) {
		die("out of memory");
	}
	turn->boxoffice->auditor = auditor_create(turn->shared, turn->worker);
	turn->boxoffice->oldest = ring_of(turn)->taken;
}

void boxoffice_destroy(struct turn *turn)
{
	auditor_destroy(turn->boxoffice->auditor);
	free(turn->boxoffice);
}

/* Asking */

/* The clerk will answer SESSION, unless that is NULL. False if the queue is full. */
static bool put(struct turn *turn, struct session *session, const struct booking_request *request)
{
	struct booking_slot *slot = booking_queue_reserve(turn->shared->queue, turn->worker);

	if (!slot) {
		return false;
	}
	slot->seat = session ? session->index : 0;
	slot->session = session ? session->number : 0;
	slot->asked_ns = turn_now_ns(turn);
	slot->since_ns = session ? session->stream->since_ns : 0;
	slot->asked = turn->hand->begun;
	slot->request = *request;
	booking_queue_submit(turn->shared->queue, turn->worker);
	turn->calls_clerks = true;
	if (session) {
		session_expect_answer(session);
	}
	return true;
}

/*
 * Counting goes past the queue, and beside the clerk: so it waits until all is answered that was
 * asked before, and what is asked after it waits, too. With --serialize join workers cannot open
 * the store: there a child counts as it books, one thing at a time.
 */
static bool goes_past_the_queue(const struct session *session,
				const struct booking_request *request)
{
	return request->verb == BOOKING_AUDIT &&
	       session->turn->shared->options->serialize != SERIALIZE_JOIN;
}

static enum outcome ask_auditor(struct session *session, const struct booking_request *request,
				struct problem *problem)
{
	const struct audit question = { .seat = session->index,
					.session = session->number,
					.request = *request };

	if (session->unanswered > 0) {
		return OUTCOME_WAIT;
	}
	if (!auditor_ask(session->turn->boxoffice->auditor, &question)) {
		return refuse(problem, PROBLEM_BUSY, "nobody can count now; try again");
	}
	memcpy(session->stream->audit, request->event, sizeof(session->stream->audit));
	session->alone = true;
	session_expect_answer(session);
	return OUTCOME_LATER;
}

static struct booking_client client_of(const struct session *session)
{
	const struct peer_address owner = peer_address_owner(session->peer);
	struct booking_client client = { .session = session->number,
					 .worker = session->turn->worker,
					 .seat = session->index };

	memcpy(client.owner.bytes, owner.bytes, sizeof(client.owner.bytes));
	return client;
}

/* Whether the oldest request was taken back already, and lies there since nobody serves. */
static bool is_stuck(const struct turn *turn)
{
	const struct booking_ring *ring = ring_of(turn);

	return ring->taken != ring->submitted &&
	       ring->slots[ring->taken % BOOKING_QUEUE_SLOTS].claim >= BOOKING_WITHDRAWN;
}

static struct booking_answer busy_answer(const struct turn *turn)
{
	struct booking_answer answer = { .outcome = BOOKING_HINDERED };

	if (!store_holder_find(turn->shared->store_lock, &answer.holder)) {
		answer.holder.pid = 0;
	}
	return answer;
}

/* It was not there when the server started, and nobody has seen it since. */
static enum outcome refuse_for_want_of_store(struct problem *problem)
{
	return refuse(problem, PROBLEM_BUSY,
		      "the database cannot be reached now; nothing was done");
}

enum outcome boxoffice_submit(struct session *session, struct booking_request *request,
			      struct problem *problem)
{
	const struct options *options = session->turn->shared->options;

	if (session->alone) {
		return OUTCOME_WAIT;
	}
	if (session->turn->shared->queue->awaited) {
		return refuse_for_want_of_store(problem);
	}
	if (goes_past_the_queue(session, request)) {
		return ask_auditor(session, request, problem);
	}
	if (request->verb == BOOKING_WAIT && options->serialize == SERIALIZE_NONE) {
		return refuse(problem, PROBLEM_LIMIT,
			      "nobody can wait while requests are carried out in no order "
			      "(--serialize none)");
	}
	if (request->verb == BOOKING_HOLD || request->verb == BOOKING_WAIT) {
		request->client = client_of(session);
	}
	if (request->tied || request->verb == BOOKING_WAIT) {
		session->seat->has_ties = true;
	}
	if (put(session->turn, session, request)) {
		return OUTCOME_LATER;
	}
	if (!is_stuck(session->turn)) {
		return OUTCOME_AGAIN;
	}
	const struct booking_answer answer = busy_answer(session->turn);

	(void)boxoffice_problem(request, &answer, problem);
	return OUTCOME_REFUSED;
}

enum outcome boxoffice_left(struct turn *turn, const char *name, struct stock_board_event *event,
			    struct problem *problem)
{
	uint32_t index;

	if (turn->shared->queue->awaited) {
		return refuse_for_want_of_store(problem);
	}
	if (!stock_board_find(turn->shared->board, name, &index, event)) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such event; /events lists them");
	}
	return OUTCOME_DONE;
}

/* Answers */

static void explain_limit(const struct booking_request *request,
			  const struct booking_answer *answer, struct problem *problem)
{
	if (request->verb == BOOKING_WAIT) {
		(void)refuse(problem, PROBLEM_LIMIT, "%s has %" PRId64 " tickets in all",
			     request->event, answer->total);
	} else {
		(void)refuse(problem, PROBLEM_LIMIT,
			     "the total of %s is from %" PRId64
			     ", which are sold or held, to %" PRId64,
			     request->event, answer->sold + answer->held, STORE_TOTAL_MAX);
	}
}

static void explain_busy(const struct store_holder *holder, struct problem *problem)
{
	if (holder->pid != 0) {
		(void)refuse(problem, PROBLEM_BUSY,
			     "the store is held by %s (pid %d); nothing was done", holder->name,
			     (int)holder->pid);
	} else {
		(void)refuse(problem, PROBLEM_BUSY, "the store is not to be had; nothing was done");
	}
}

/* More than may be had, or not now. */
static void explain_bound(const struct booking_request *request,
			  const struct booking_answer *answer, struct problem *problem)
{
	switch (answer->outcome) {
	case BOOKING_TOO_MANY:
		(void)refuse(problem, PROBLEM_LIMIT, "at most %" PRId64 " tickets a request",
			     answer->limit);
		break;
	case BOOKING_HAS_ENOUGH:
		(void)refuse(problem, PROBLEM_LIMIT,
			     "one address may hold or wait for %" PRId64
			     " tickets at a time, and yours has %" PRId64,
			     answer->limit, answer->has);
		break;
	case BOOKING_LIMIT: explain_limit(request, answer, problem); break;
	case BOOKING_FULL:
		(void)refuse(problem, PROBLEM_BUSY,
			     "%s: no more can hold or wait now; try again later", request->event);
		break;
	case BOOKING_BUSY:
		(void)refuse(problem, PROBLEM_BUSY,
			     request->verb == BOOKING_AUDIT
				     ? "the tickets could not be counted now; try again"
				     : "KEY was refused elsewhere after this was sent; nothing was "
				       "done, ask again");
		break;
	default: bug("no bound");
	}
}

static void explain_use(const struct booking_answer *answer, struct problem *problem)
{
	char when[CLOCK_TEXT_SIZE] = "";

	if (answer->admitted_ns != 0) {
		clock_format(answer->admitted_ns, when);
	}
	(void)refuse(problem, PROBLEM_USED, "%s was %s before%s%s", answer->code,
		     ticket_state_name(answer->state), *when ? ", at " : "", when);
}

/* What it is that the store does not do just now. */
static void explain_store(const char *event, const struct booking_answer *answer,
			  struct problem *problem)
{
	switch (answer->outcome) {
	case BOOKING_NO_ROOM:
		(void)refuse(problem, PROBLEM_LIMIT,
			     "the store has no room for more tickets, whatever the event");
		break;
	case BOOKING_MISMATCH:
		(void)refuse(problem, PROBLEM_INTERNAL,
			     "%s does not add up: its tickets say %" PRId64 " sold and %" PRId64
			     " held of %" PRId64 ", its counters say %" PRId64 " left",
			     event, answer->sold, answer->held, answer->total, answer->left);
		break;
	case BOOKING_FAILED:
		(void)refuse(problem, PROBLEM_INTERNAL, "the store failed; nothing was done");
		break;
	case BOOKING_UNCLEAR:
		(void)refuse(
			problem, PROBLEM_INTERRUPTED,
			"the store failed; it may have been carried out or not: ask again with "
			"the same key");
		break;
	case BOOKING_HINDERED: explain_busy(&answer->holder, problem); break;
	case BOOKING_WRITTEN:
		(void)refuse(problem, PROBLEM_BUSY,
			     "another program is writing to the store; nothing was done");
		break;
	case BOOKING_AWAY:
		(void)refuse(problem, PROBLEM_BUSY,
			     "the database cannot be reached now; nothing was done");
		break;
	case BOOKING_READ:
		(void)refuse(problem, PROBLEM_BUSY,
			     "another program reads the store and does not end; nothing was done");
		break;
	default: bug("no fault of the store's");
	}
}

bool boxoffice_problem(const struct booking_request *request, const struct booking_answer *answer,
		       struct problem *problem)
{
	const char *event = request->event;

	switch (answer->outcome) {
	case BOOKING_DONE: return false;
	case BOOKING_NOT_FOUND:
		(void)refuse(problem, PROBLEM_NOTFOUND, "%s",
			     *event ? "no such event; /events lists them" : "no such code");
		break;
	case BOOKING_SOLD_OUT:
		(void)refuse(problem, PROBLEM_SOLDOUT, "%s %" PRId64, event, answer->left);
		problem->left = answer->left;
		break;
	case BOOKING_CLOSED:
		(void)refuse(problem, PROBLEM_CLOSED, "%s does not sell now", event);
		break;
	case BOOKING_KEY_TAKEN:
		(void)refuse(problem, PROBLEM_BADARG,
			     "KEY was used for another request; choose a new one");
		break;
	case BOOKING_USED: explain_use(answer, problem); break;
	case BOOKING_EXPIRED:
		(void)refuse(problem, PROBLEM_EXPIRED, "%s lapsed", answer->code);
		break;
	case BOOKING_NOT_BOOKED:
		(void)refuse(problem, PROBLEM_BADARG, "%s is only held; /confirm it first",
			     answer->code);
		break;
	case BOOKING_EXISTS:
		(void)refuse(problem, PROBLEM_EXISTS, "there is an event %s", event);
		break;
	case BOOKING_TOO_MANY:
	case BOOKING_HAS_ENOUGH:
	case BOOKING_LIMIT:
	case BOOKING_FULL:
	case BOOKING_BUSY: explain_bound(request, answer, problem); break;
	case BOOKING_NO_ROOM:
	case BOOKING_MISMATCH:
	case BOOKING_FAILED:
	case BOOKING_UNCLEAR:
	case BOOKING_HINDERED:
	case BOOKING_WRITTEN:
	case BOOKING_AWAY:
	case BOOKING_READ: explain_store(event, answer, problem); break;
	}
	return true;
}

static void count(struct score *score, const struct booking_request *request,
		  const struct booking_answer *answer)
{
	bool sells = request->verb == BOOKING_BOOK || request->verb == BOOKING_CONFIRM;

	if (answer->outcome != BOOKING_DONE) {
		score_add(score, COUNTER_REFUSED, 1);
	} else if (sells && !answer->repeated) {
		score_add(score, COUNTER_BOOKED, (uint64_t)answer->quantity);
	}
}

/* Who grew an event may have opened or closed it, too. */
static void note_sale(struct turn *turn, const struct session *session,
		      const struct booking_request *request)
{
	if (request->sale == BOOKING_SALE_OPEN) {
		session_note(turn, session, TRAIL_EVENT, "opened event %s", request->event);
	} else if (request->sale == BOOKING_SALE_CLOSED) {
		session_note(turn, session, TRAIL_EVENT, "closed event %s", request->event);
	}
}

/* What operators did to events and codes; SESSION is NULL when it ended meanwhile. */
static void note(struct turn *turn, const struct session *session, const struct booking_slot *slot)
{
	const struct booking_request *request = &slot->request;
	const struct booking_answer *answer = &slot->answer;

	if (answer->outcome == BOOKING_HAS_ENOUGH && session) {
		session_note(turn, session, TRAIL_HELD,
			     "may not have more of event %s: its address holds or waits for "
			     "%" PRId64 " tickets",
			     request->event, answer->has);
	}
	if (answer->outcome != BOOKING_DONE) {
		return;
	}
	switch (request->verb) {
	case BOOKING_EVENT_NEW:
		session_note(turn, session, TRAIL_EVENT, "made event %s of %" PRId64 " tickets",
			     request->event, request->quantity);
		break;
	case BOOKING_EVENT_OPEN:
		session_note(turn, session, TRAIL_EVENT, "opened event %s", request->event);
		break;
	case BOOKING_EVENT_CLOSE:
		session_note(turn, session, TRAIL_EVENT, "closed event %s", request->event);
		break;
	case BOOKING_EVENT_GROW:
		session_note(turn, session, TRAIL_EVENT,
			     "grew event %s by %" PRId64 " to %" PRId64 " tickets", request->event,
			     request->quantity, answer->total);
		note_sale(turn, session, request);
		break;
	case BOOKING_ADMIT:
		session_note(turn, session, TRAIL_ADMIT, "admitted %" PRId64 " to event %s",
			     answer->quantity, answer->event);
		break;
	default: break;
	}
}

/* A session's end that the store could not note: its holds and its place are still taken. */
static void keep_unreleased(struct turn *turn, uint64_t session)
{
	if (!booking_queue_keep_unreleased(turn->shared->queue, turn->worker, session)) {
		log_warning("too many connections ended while the store failed: what one of them "
			    "held lapses in its time");
	}
}

static void put_into_reply(struct session *session, const struct booking_request *request,
			   const struct booking_answer *answer)
{
	struct turn *turn = session->turn;

	reply_clear(&turn->sessions->reply);
	session->front->answer(session, request, answer);
	session_reply_is_complete(session);
	session_send_replies(turn);
}

static struct session *session_of(struct turn *turn, const struct booking_slot *slot)
{
	return slot->session ? session_find(turn, slot->seat, slot->session) : NULL;
}

static void see_answer(struct turn *turn, struct session *session, const struct booking_slot *slot)
{
	count(turn->score, &slot->request, &slot->answer);
	histogram_add(&turn->score->booking_ns, (uint64_t)(turn_now_ns(turn) - slot->asked_ns));
	note(turn, session, slot);
	if (slot->request.verb == BOOKING_RELEASE && slot->answer.outcome != BOOKING_DONE) {
		keep_unreleased(turn, slot->request.client.session);
	}
}

/* Puts an answer behind the session's replies, and takes it out of the queue. */
static void give_answer(struct turn *turn, struct session *session, const struct booking_slot *slot)
{
	struct booking_queue *queue = turn->shared->queue;

	hand_begin(turn->hand, HAND_ANSWER, 0, queue->rings[turn->worker].taken, 0);
	if (session) {
		put_into_reply(session, &slot->request, &slot->answer);
	}
	booking_queue_take(queue, turn->worker);
	hand_end(turn->hand);
}

static void take_answers(struct turn *turn)
{
	struct booking_queue *queue = turn->shared->queue;
	const struct booking_slot *slot;

	while ((slot = booking_queue_answer(queue, turn->worker))) {
		bool told = slot->claim == BOOKING_TOLD;
		struct session *session = told ? NULL : session_of(turn, slot);

		if (told) {
			booking_queue_take(queue, turn->worker);
			continue;
		}
		see_answer(turn, session, slot);
		give_answer(turn, session, slot);
		if (session) {
			session_answered(session);
		}
	}
}

static void take_audits(struct turn *turn)
{
	struct audit *audit = auditor_take_answers(turn->boxoffice->auditor);

	while (audit) {
		struct audit *next = audit->next;
		struct session *session = session_find(turn, audit->seat, audit->session);

		count(turn->score, &audit->request, &audit->answer);
		if (session) {
			hand_begin(turn->hand, HAND_AUDIT, session->index, 0, 0);
			put_into_reply(session, &audit->request, &audit->answer);
			session->stream->audit[0] = '\0';
			hand_end(turn->hand);
			session->alone = false;
			session_answered(session);
		}
		free(audit);
		audit = next;
	}
}

/* Taking back what waits for too long */

static int64_t later(int64_t one_ns, int64_t other_ns)
{
	return one_ns > other_ns ? one_ns : other_ns;
}

/* Since when the oldest request waits in vain. */
static int64_t waits_since_ns(const struct turn *turn)
{
	const struct boxoffice *boxoffice = turn->boxoffice;

	return later(ring_of(turn)->slots[boxoffice->oldest % BOOKING_QUEUE_SLOTS].asked_ns,
		     turn->shared->queue->answered_ns);
}

int64_t boxoffice_due_ns(const struct turn *turn)
{
	if (turn->boxoffice->oldest == ring_of(turn)->submitted) {
		return INT64_MAX;
	}
	return later(waits_since_ns(turn) + PATIENCE_NS, turn->boxoffice->again_ns);
}

/* A program that is none of ours; one of ours that hangs the master ends in a moment. */
static bool is_hindered(const struct turn *turn)
{
	const struct shared_state *shared = turn->shared;
	pid_t holder = shared->store_lock ? mutex_owner(shared->store_lock, NULL) : 0;

	return shared->queue->hindered ||
	       (holder != 0 && !scoreboard_has(shared->scoreboard, holder));
}

static bool is_worth_waiting(struct turn *turn)
{
	if (is_hindered(turn) || turn_now_ns(turn) - waits_since_ns(turn) >= OUR_PATIENCE_NS) {
		return false;
	}
	turn->boxoffice->again_ns = turn_now_ns(turn) + LOOK_AGAIN_NS;
	return true;
}

static bool is_overdue(struct turn *turn)
{
	return boxoffice_due_ns(turn) <= turn_now_ns(turn) && !is_worth_waiting(turn);
}

/* As give_answer: should we die amid it, our successor knows whether it is told. */
static void tell_withdrawn(struct turn *turn, struct session *session, struct booking_slot *slot,
			   uint64_t at, const struct booking_answer *answer)
{
	score_add(turn->score, COUNTER_REFUSED, 1);
	hand_begin(turn->hand, HAND_WITHDRAWN, 0, at, 0);
	put_into_reply(session, &slot->request, answer);
	slot->claim = BOOKING_TOLD;
	hand_end(turn->hand);
	session_answered(session);
}

/* What nobody waits for is not taken back; what a predecessor took back is told now. */
static void withdraw(struct turn *turn, uint64_t at, const struct booking_answer *answer)
{
	struct booking_slot *slot = &ring_of(turn)->slots[at % BOOKING_QUEUE_SLOTS];
	struct session *session = session_of(turn, slot);

	if (session && (booking_slot_withdraw(slot) || slot->claim == BOOKING_WITHDRAWN)) {
		tell_withdrawn(turn, session, slot, at, answer);
	}
}

static void withdraw_overdue(struct turn *turn)
{
	struct booking_ring *ring = ring_of(turn);

	if (ring->answered > turn->boxoffice->oldest) {
		turn->boxoffice->oldest = ring->answered;
	}
	if (turn->boxoffice->oldest == ring->submitted || !is_overdue(turn)) {
		return;
	}
	const struct booking_answer answer = busy_answer(turn);

	do {
		withdraw(turn, turn->boxoffice->oldest++, &answer);
	} while (is_overdue(turn));
}

/* Offers and positions */

static void tell(struct turn *turn, const struct booking_client *client,
		 const struct message *event)
{
	struct session *session = session_find(turn, client->seat, client->session);

	if (session) {
		session_hear(session, event);
	}
}

static void take_offers(struct turn *turn)
{
	struct booking_queue *queue = turn->shared->queue;
	const struct booking_offer *offer;

	while ((offer = booking_queue_offer(queue, turn->worker))) {
		const struct message event = { .kind = MESSAGE_OFFER,
					       .text = span_of(offer->event),
					       .offer = { .code = offer->code,
							  .quantity = offer->quantity,
							  .seconds = offer->seconds } };

		hand_begin(turn->hand, HAND_OFFER, 0, queue->offers[turn->worker].taken, 0);
		tell(turn, &offer->client, &event);
		booking_queue_take_offer(queue, turn->worker);
		hand_end(turn->hand);
	}
}

/*
 * A waiter of this worker's whose position is another now. Positions are numbered behind the
 * answers of a batch; an answer that is not taken yet, to a /wait perhaps, goes first.
 */
static void tell_position(struct turn *turn, struct waiter *waiter)
{
	uint32_t position = waiter->position;
	const struct booking_client client = waiter->client;

	if (waiter->state != WAITER_WAITS || client.worker != turn->worker || position == 0 ||
	    position == waiter->told || booking_queue_answer(turn->shared->queue, turn->worker)) {
		return;
	}
	const struct message event = {
		.kind = MESSAGE_WAITING,
		.text = { waiter->event_name, strnlen(waiter->event_name, NAME_EVENT_SIZE - 1) },
		.waiting = { .quantity = waiter->quantity, .position = position }
	};

	hand_begin(turn->hand, HAND_POSITION,
		   (uint32_t)(waiter - turn->shared->queue->waitlist.waiters), position, 0);
	tell(turn, &client, &event);
	waiter->told = position;
	hand_end(turn->hand);
}

static void tell_positions(struct turn *turn)
{
	struct waitlist *list = &turn->shared->queue->waitlist;
	const uint32_t numberings = list->numberings;

	if (turn->boxoffice->numberings == numberings) {
		return;
	}
	for (uint32_t i = 0; i < list->never_used; i++) {
		tell_position(turn, &list->waiters[i]);
	}
	if (!booking_queue_answer(turn->shared->queue, turn->worker)) {
		turn->boxoffice->numberings = numberings;
	}
}

void boxoffice_turn(struct turn *turn)
{
	take_answers(turn);
	take_audits(turn);
	withdraw_overdue(turn);
	take_offers(turn);
	tell_positions(turn);
}

bool boxoffice_has_news(const struct turn *turn)
{
	const struct booking_queue *queue = turn->shared->queue;

	return booking_queue_has_answer(queue, turn->worker) ||
	       auditor_has_answers(turn->boxoffice->auditor) ||
	       turn->boxoffice->numberings != queue->waitlist.numberings;
}

bool boxoffice_is_idle(const struct turn *turn)
{
	const struct booking_queue *queue = turn->shared->queue;
	const struct booking_ring *ring = &queue->rings[turn->worker];

	return ring->taken == ring->submitted && queue->unreleased[turn->worker].count == 0;
}

/* A predecessor's */

static bool has_it(const struct turn *turn, uint32_t seat, uint64_t number)
{
	const struct session *session = session_find(turn, seat, number);

	return session && output_has(session->output, turn->hand->tag);
}

void boxoffice_resume(struct turn *turn)
{
	struct booking_queue *queue = turn->shared->queue;
	const struct hand *hand = turn->hand;
	const struct booking_slot *slot = booking_queue_answer(queue, turn->worker);
	const struct booking_offer *offer = booking_queue_offer(queue, turn->worker);
	struct waiter *waiter = &queue->waitlist.waiters[hand->index];

	if (hand->tag == 0) {
		return;
	}
	if (hand->kind == HAND_ANSWER && slot && queue->rings[turn->worker].taken == hand->from &&
	    has_it(turn, slot->seat, slot->session)) {
		session_find(turn, slot->seat, slot->session)->unanswered--;
		booking_queue_take(queue, turn->worker);
	}
	struct booking_slot *refused =
		&queue->rings[turn->worker].slots[hand->from % BOOKING_QUEUE_SLOTS];

	if (hand->kind == HAND_WITHDRAWN && refused->claim == BOOKING_WITHDRAWN &&
	    has_it(turn, refused->seat, refused->session)) {
		refused->claim = BOOKING_TOLD;
		session_find(turn, refused->seat, refused->session)->unanswered--;
	}
	if (hand->kind == HAND_OFFER && offer && queue->offers[turn->worker].taken == hand->from &&
	    has_it(turn, offer->client.seat, offer->client.session)) {
		booking_queue_take_offer(queue, turn->worker);
	}
	if (hand->kind == HAND_AUDIT && turn->sessions->table[hand->index] &&
	    output_has(turn->sessions->table[hand->index]->output, hand->tag)) {
		turn->sessions->table[hand->index]->stream->audit[0] = '\0';
	}
	if (hand->kind == HAND_POSITION && hand->index < WAITLIST_MAX &&
	    has_it(turn, waiter->client.seat, waiter->client.session)) {
		waiter->told = (uint32_t)hand->from;
	}
}

void boxoffice_adopt(struct session *session)
{
	const struct booking_ring *ring =
		&session->turn->shared->queue->rings[session->turn->worker];

	for (uint64_t i = ring->taken; i != ring->submitted; i++) {
		const struct booking_slot *slot = &ring->slots[i % BOOKING_QUEUE_SLOTS];

		if (slot->session == session->number && slot->claim != BOOKING_TOLD) {
			session_expect_answer(session);
		}
	}
}

/* To count does no harm: it is done once more. */
static void ask_again(struct session *session)
{
	struct booking_request request = { .verb = BOOKING_AUDIT };
	struct problem problem;

	memcpy(request.event, session->stream->audit, sizeof(request.event));
	if (ask_auditor(session, &request, &problem) == OUTCOME_REFUSED) {
		put_into_reply(session, &request,
			       &(struct booking_answer){ .outcome = BOOKING_FAILED });
		session->stream->audit[0] = '\0';
	}
}

void boxoffice_ask_again(struct turn *turn)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (session->stream->audit[0] != '\0' && session->state == SESSION_OPEN) {
			ask_again(session);
		}
	}
}

bool boxoffice_was_asked(const struct turn *turn)
{
	if (!hand_has_begun(turn->hand)) {
		return false;
	}
	if (streams_at(turn->shared->streams, turn->worker, turn->hand->seat)->audit[0] != '\0') {
		return true;
	}
	const struct booking_ring *ring = &turn->shared->queue->rings[turn->worker];
	const struct booking_slot *last = &ring->slots[(ring->submitted - 1) % BOOKING_QUEUE_SLOTS];

	return last->session == turn->hand->session && last->asked == turn->hand->begun;
}

/* The end of a session */

static bool submit_release(struct turn *turn, uint64_t session)
{
	const struct booking_request request = { .verb = BOOKING_RELEASE,
						 .client = { .session = session } };

	return put(turn, NULL, &request);
}

/* While nobody serves and the queue is full, the seat need not wait for that. */
static bool release(struct turn *turn, struct seat *seat)
{
	if (seat->has_ties && !submit_release(turn, seat->session)) {
		if (!is_stuck(turn)) {
			return false;
		}
		keep_unreleased(turn, seat->session);
	}
	seat->has_ties = false;
	return true;
}

bool boxoffice_release(struct session *session)
{
	return release(session->turn, session->seat);
}

void boxoffice_release_ended(struct turn *turn, uint64_t session)
{
	(void)submit_release(turn, session);
}

void boxoffice_tick(struct turn *turn)
{
	struct booking_queue *queue = turn->shared->queue;
	uint64_t session;

	/* Forgotten only after it was asked for: to give back twice does no harm. */
	while ((session = booking_queue_unreleased(queue, turn->worker)) != 0 &&
	       submit_release(turn, session)) {
		booking_queue_forget_unreleased(queue, turn->worker);
	}
}

/* What finds the queue full is given back a second later (boxoffice_tick). */
void boxoffice_sweep(struct turn *turn)
{
	struct shared_state *shared = turn->shared;
	uint32_t orphan = 0;

	boxoffice_turn(turn);
	for (; directory_next_orphan(shared->directory, turn->worker, &orphan); orphan++) {
		struct seat *seat = directory_seat(shared->directory, turn->worker, orphan);

		if (!turn->sessions->table[orphan] && !release(turn, seat)) {
			keep_unreleased(turn, seat->session);
			seat->has_ties = false;
		}
	}
	booking_queue_call(shared->queue, turn->worker);
}
