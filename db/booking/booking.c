#include "db/booking/booking.h"

#include <string.h>

#include "db/booking/event.h"
#include "db/booking/lapse.h"
#include "db/booking/stock.h"
#include "db/booking/ticket.h"
#include "db/booking/waiters.h"
#include "db/booking/waiting.h"
#include "db/store/tickets.h"
#include "shared/base/log.h"

enum need { NEEDS_NOTHING, NEEDS_EVENT, NEEDS_TICKET };

/* What a verb does, and what it needs before it can. */
struct rule {
	enum booking_outcome (*run)(struct booking_work *work);
	enum need need;
	enum ticket_kind kind; /* of the ticket that it makes, if it makes one */
};

static const struct rule rules[] = {
	[BOOKING_BOOK] = { booking_ticket_book, NEEDS_EVENT, TICKET_BY_BOOK },
	[BOOKING_HOLD] = { booking_ticket_book, NEEDS_EVENT, TICKET_BY_HOLD },
	[BOOKING_CONFIRM] = { .run = booking_ticket_confirm, .need = NEEDS_TICKET },
	[BOOKING_CANCEL] = { .run = booking_ticket_cancel, .need = NEEDS_TICKET },
	[BOOKING_TICKET] = { .run = booking_ticket_show, .need = NEEDS_TICKET },
	[BOOKING_ADMIT] = { .run = booking_ticket_admit, .need = NEEDS_TICKET },
	[BOOKING_WAIT] = { .run = booking_waiting_begin, .need = NEEDS_EVENT },
	[BOOKING_AUDIT] = { .run = booking_event_audit, .need = NEEDS_EVENT },
	[BOOKING_EVENT_NEW] = { .run = booking_event_new },
	[BOOKING_EVENT_OPEN] = { .run = booking_event_open, .need = NEEDS_EVENT },
	[BOOKING_EVENT_CLOSE] = { .run = booking_event_close, .need = NEEDS_EVENT },
	[BOOKING_EVENT_GROW] = { .run = booking_event_grow, .need = NEEDS_EVENT },
	[BOOKING_RELEASE] = { .run = booking_waiting_release },
};

static enum booking_outcome outcome_of(enum store_result result)
{
	switch (result) {
	case STORE_OK: return BOOKING_DONE;
	case STORE_NONE: return BOOKING_NOT_FOUND;
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* The ticket that the request's code stands for, and its event; one whose time is over lapses. */
static enum booking_outcome find_ticket(struct booking_work *work)
{
	struct store *store = work->context->store;
	enum booking_outcome outcome;
	int64_t number;
	int64_t salt;

	if (!code_read(store_code_key(store), span_of(work->request->code), &number, &salt)) {
		return BOOKING_NOT_FOUND;
	}
	outcome = outcome_of(store_ticket_get(store, number, &work->ticket));
	if (outcome != BOOKING_DONE) {
		return outcome;
	}
	if (work->ticket.salt != salt) {
		return BOOKING_NOT_FOUND;
	}
	if (store_event_get(store, work->ticket.event, &work->event) != STORE_OK) {
		return BOOKING_FAILED;
	}
	return booking_lapse_if_due(work->context, work->event, &work->ticket) ? BOOKING_DONE
									       : BOOKING_FAILED;
}

static enum booking_outcome run(struct booking_work *work, const struct rule *rule)
{
	enum booking_outcome outcome = BOOKING_DONE;

	if (rule->need == NEEDS_EVENT) {
		outcome = outcome_of(
			store_event_find(work->context->store, work->request->event, &work->event));
	} else if (rule->need == NEEDS_TICKET) {
		outcome = find_ticket(work);
	}
	if (outcome == BOOKING_DONE) {
		outcome = rule->run(work);
	}
	if (rule->need == NEEDS_TICKET && work->event) {
		booking_ticket_describe(work, &work->ticket);
	}
	return outcome;
}

static const struct rule *rule_of(const struct booking_request *request)
{
	if ((size_t)request->verb >= sizeof(rules) / sizeof(*rules)) {
		bug("no booking verb has the number %d", (int)request->verb);
	}
	return &rules[request->verb];
}

static void foresee_ticket(const struct booking_context *context,
			   const struct booking_request *request, struct store_needs *needs)
{
	int64_t number;
	int64_t salt;

	if (code_read(store_code_key(context->store), span_of(request->code), &number, &salt)) {
		needs->tickets[needs->ticket_count++] = number;
	}
}

/* What is given back may be offered to who waits, and an offer is a ticket. */
void booking_foresee(const struct booking_context *context, const struct booking_request *request,
		     struct store_needs *needs)
{
	const struct rule *rule = rule_of(request);
	bool some_wait = context->waitlist && context->waitlist->count > 0;

	if (rule->need == NEEDS_TICKET) {
		foresee_ticket(context, request, needs);
	}
	if (rule->need == NEEDS_EVENT || request->verb == BOOKING_EVENT_NEW) {
		needs->events[needs->event_count++] = request->event;
	}
	if (rule->kind != 0 && request->key[0] != '\0') {
		needs->keys[needs->key_count++] = request->key;
	}
	if (request->verb == BOOKING_RELEASE) {
		needs->ties[needs->tie_count++] = request->client.session;
		booking_waiters_foresee_end(context, request->client.session, needs);
	}
	needs->adds |= rule->kind != 0 || request->verb == BOOKING_WAIT || some_wait;
}

static void describe_event(const struct booking_work *work)
{
	const struct store_event *event = work->event;
	struct booking_answer *answer = work->answer;

	memcpy(answer->event, event->name, sizeof(answer->event));
	answer->left = booking_stock_free(event);
	answer->total = event->total;
	if (work->request->verb != BOOKING_AUDIT) {
		answer->sold = event->sold;
		answer->held = event->held;
	}
}

void booking_carry_out(const struct booking_context *context, const struct booking_request *request,
		       struct booking_answer *answer)
{
	const struct rule *rule = rule_of(request);
	struct booking_work work = {
		.context = context, .request = request, .answer = answer, .kind = rule->kind
	};

	memset(answer, 0, sizeof(*answer));
	answer->quantity = request->quantity;
	answer->outcome = run(&work, rule);
	if (work.event) {
		describe_event(&work);
	}
}
