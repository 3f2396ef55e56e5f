#include "db/booking/waiters.h"

#include <string.h>

#include "db/booking/limit.h"
#include "db/booking/offer.h"
#include "db/store/tickets.h"
#include "db/store/waiters.h"
#include "shared/base/clock.h"

#define ROWS_MAX 128 /* that are written at once */

static bool is_shared(const struct booking_context *context)
{
	return context->waitlist && store_keeps_waiters(context->store);
}

/* What is needed */

static void add_event(struct store_needs *needs, int64_t number)
{
	if (needs->number_count < STORE_NEEDS_MAX) {
		needs->numbers[needs->number_count++] = number;
	}
}

void booking_waiters_foresee(const struct booking_context *context, bool all,
			     struct store_needs *needs)
{
	int64_t number = 0;

	if (!is_shared(context)) {
		return;
	}
	needs->waiters = true;
	needs->waiters_seen = context->waitlist->seen;
	while (all && (number = waitlist_event_after(context->waitlist, number)) > 0) {
		add_event(needs, number);
	}
}

void booking_waiters_foresee_end(const struct booking_context *context, uint64_t session,
				 struct store_needs *needs)
{
	struct waitlist *list = context->waitlist;

	if (!is_shared(context)) {
		return;
	}
	for (struct waiter *waiter = waitlist_oldest(list); waiter;
	     waiter = waitlist_later(list, waiter)) {
		if (waiter->client.session == session) {
			add_event(needs, waiter->event);
		}
	}
}

/* What others did */

struct reading {
	const struct booking_context *context;
	struct waiter *at; /* the first that may have the order of what is read next */
	bool joined;       /* somebody was added, at the end */
};

static struct waiter *find(struct reading *reading, uint64_t order)
{
	struct waitlist *list = reading->context->waitlist;

	while (reading->at && reading->at->order < order) {
		reading->at = waitlist_later(list, reading->at);
	}
	return reading->at && reading->at->order == order ? reading->at : NULL;
}

/* One of ours that is not in the list is from a batch that nobody knew to be committed. */
static struct waiter *join(struct reading *reading, const struct store_waiter *row)
{
	const bool here = booking_server_of(row->session) == reading->context->server;
	struct waiter wanted = { .order = row->order,
				 .event = row->event,
				 .quantity = row->quantity,
				 .client = { .session = row->session,
					     .worker = here ? row->worker : WAITLIST_ELSEWHERE,
					     .seat = row->seat } };

	memcpy(wanted.event_name, row->event_name, sizeof(wanted.event_name));
	reading->joined = true;
	return waitlist_join(reading->context->waitlist, &wanted);
}

static void lose(struct waitlist *list, struct waiter *waiter)
{
	waiter->lost = true;
	list->news = true;
}

static void note_offer(const struct booking_context *context, struct waiter *waiter,
		       const struct store_waiter *row)
{
	const struct store_ticket ticket = { .number = row->ticket,
					     .salt = row->salt,
					     .quantity = waiter->quantity };

	waiter->offered_salt = row->salt;
	waiter->offered_until_ns = row->until_ns;
	waiter->offered = row->ticket;
	context->waitlist->news = true;
	booking_limit_note_hold(context, waiter->client.owner, &ticket);
}

/* It waits no more. One of ours is to hear why, unless it was told before. */
static void leave(const struct booking_context *context, struct waiter *waiter,
		  const struct store_waiter *row)
{
	struct waitlist *list = context->waitlist;

	list->changed = true;
	if (!waiter_is_here(waiter)) {
		waitlist_drop(list, waiter);
	} else if (waiter->offered == 0 && row->ticket != 0 && row->until_ns != 0) {
		note_offer(context, waiter, row);
	} else if (waiter->offered == 0) {
		lose(list, waiter);
	}
}

static void update(struct waitlist *list, struct waiter *waiter, const struct store_waiter *row)
{
	waiter->passed = waiter->passed_before = row->passed;
	waiter->gathered = waiter->gathered_before = row->ticket;
	waiter->found = list->readings;
	list->gathers = true; /* perhaps: who asks next looks */
}

static void take_row(void *context, const struct store_waiter *row)
{
	struct reading *reading = context;
	struct waitlist *list = reading->context->waitlist;
	struct waiter *waiter = find(reading, row->order);

	if (waiter && !row->waits) {
		reading->at = waitlist_later(list, waiter);
		waiter->found = list->readings;
		leave(reading->context, waiter, row);
		return;
	}
	if (!waiter && row->waits) {
		waiter = join(reading, row);
	}
	if (waiter) {
		update(list, waiter, row);
	}
}

/* All who wait were read, and these were not among them. */
static void drop_what_was_not_found(struct waitlist *list)
{
	for (struct waiter *next, *waiter = waitlist_oldest(list); waiter; waiter = next) {
		next = waitlist_later(list, waiter);
		if (waiter->found == list->readings || waiter->offered != 0) {
			continue;
		}
		if (waiter_is_here(waiter)) {
			lose(list, waiter);
		} else {
			waitlist_drop(list, waiter);
		}
	}
}

static bool is_in_order(struct waitlist *list)
{
	const struct waiter *waiter = waitlist_oldest(list);

	for (struct waiter *next; waiter && (next = waitlist_later(list, waiter)); waiter = next) {
		if (next->order < waiter->order) {
			return false;
		}
	}
	return true;
}

/*
 * Only then it counts as seen: who dies amid this leaves it to be read once more. Where an older
 * database was put back, the count goes on beyond all that anybody has seen.
 */
static void note_seen(struct waitlist *list, uint64_t last)
{
	if (last < list->seen) {
		list->last_order += STORE_WAITERS_LEAP;
	} else if (list->last_order < last) {
		list->last_order = last;
	}
	list->order_before = list->last_order;
	list->seen_after = last;
	list->seen = last;
}

static bool read_row(const struct booking_context *context)
{
	struct waitlist *list = context->waitlist;
	struct reading reading = { .context = context, .at = waitlist_oldest(list) };
	struct store_waiters_state state;

	list->readings++;
	if (store_waiters_read(context->store, take_row, &reading, &state) != STORE_OK) {
		return false;
	}
	if (state.all) {
		drop_what_was_not_found(list);
	}
	if (reading.joined && !is_in_order(list)) {
		waitlist_repair(list);
	}
	note_seen(list, state.last);
	return true;
}

/* What is to be told to ours */

/* False: too many offers are under way, and it is told with a later batch. */
static bool tell_offer(const struct booking_context *context, struct waiter *waiter)
{
	const int64_t left_ns = waiter->offered_until_ns - context->wall_ns;
	struct booking_offer *offer = context->offer(context->context, waiter->client.worker);

	if (!offer) {
		return false;
	}
	offer->client = waiter->client;
	offer->quantity = waiter->quantity;
	offer->seconds = (left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND;
	memcpy(offer->event, waiter->event_name, sizeof(offer->event));
	code_make(store_code_key(context->store), waiter->offered, waiter->offered_salt,
		  offer->code);
	atomic_store(&waiter->state, WAITER_OFFERED);
	return true;
}

/* It is here still, and wants what it wanted: at the end of the row. */
static void queue_anew(const struct booking_context *context, struct waiter *waiter)
{
	struct waitlist *list = context->waitlist;
	struct waiter wanted = { .event = waiter->event,
				 .quantity = waiter->quantity,
				 .client = waiter->client };

	memcpy(wanted.event_name, waiter->event_name, sizeof(wanted.event_name));
	waiter->offered = 0; /* it is over */
	waiter->lost = true;
	waitlist_remove(list, waiter);
	if (!waitlist_has_room(list) || waitlist_find(list, wanted.client.session, wanted.event)) {
		return;
	}
	struct waiter *again = waitlist_add(list, &wanted);

	again->told = waiter->told;
	booking_limit_note_waiter(context, again);
}

static void tell_ours(const struct booking_context *context)
{
	struct waitlist *list = context->waitlist;
	const uint64_t last = list->last_order;
	bool news = false;

	for (struct waiter *waiter = waitlist_oldest(list); waiter && waiter->order <= last;
	     waiter = waitlist_later(list, waiter)) {
		const bool over = waiter->offered_until_ns <= context->wall_ns;

		news |= waiter->lost || waiter->offered != 0;
		if (waiter->lost || (waiter->offered != 0 && over)) {
			queue_anew(context, waiter);
		} else if (waiter->offered != 0 && tell_offer(context, waiter)) {
			list->batch = true;
			list->changed = true;
		}
	}
	list->news = news;
}

bool booking_waiters_read(const struct booking_context *context)
{
	if (!is_shared(context)) {
		return true;
	}
	if (!read_row(context)) {
		return false;
	}
	if (context->waitlist->news) {
		tell_ours(context);
	}
	return true;
}

/* What the batch did */

struct writing {
	const struct booking_context *context;
	uint64_t version; /* 0: nothing is written yet */
	size_t count;
	struct store_waiter rows[ROWS_MAX];
};

/* One that another machine offered something has been told now, and that is noted with it. */
static bool has_changed(const struct waitlist *list, const struct waiter *waiter)
{
	switch ((enum waiter_state)waiter->state) {
	case WAITER_NEW: return true;
	case WAITER_WAITS:
		return waiter->passed != waiter->passed_before ||
		       waiter->gathered != waiter->gathered_before;
	case WAITER_OFFERED: return waiter->order <= list->order_before;
	case WAITER_LEAVES: return !waiter->lost;
	case WAITER_FREE: break;
	}
	return false;
}

static bool flush(struct writing *writing)
{
	const size_t count = writing->count;

	writing->count = 0;
	return count == 0 || store_waiters_write(writing->context->store, writing->rows, count,
						 writing->version) == STORE_OK;
}

static bool write_row(struct writing *writing, const struct waiter *waiter)
{
	const bool waits = waiter->state == WAITER_NEW || waiter->state == WAITER_WAITS;
	const bool was_told = waiter->state == WAITER_OFFERED && waiter->offered != 0;
	const bool left = waiter->state == WAITER_LEAVES || was_told;

	writing->rows[writing->count++] =
		(struct store_waiter){ .order = waiter->order,
				       .event = waiter->event,
				       .quantity = waiter->quantity,
				       .session = waiter->client.session,
				       .worker = waiter->client.worker,
				       .seat = waiter->client.seat,
				       .passed = waiter->passed,
				       .waits = waits,
				       .ticket = left ? 0 : waiter->gathered };
	return writing->count < ROWS_MAX || flush(writing);
}

bool booking_waiters_write(const struct booking_context *context)
{
	struct waitlist *list = context->waitlist;
	struct writing writing = { .context = context };

	if (!is_shared(context) || !list->batch) {
		return true;
	}
	for (struct waiter *waiter = waitlist_oldest(list); waiter;
	     waiter = waitlist_later(list, waiter)) {
		if (!has_changed(list, waiter)) {
			continue;
		}
		if (writing.version == 0) {
			writing.version = ++list->last_order;
			list->seen_after = writing.version;
		}
		if (!write_row(&writing, waiter)) {
			return false;
		}
	}
	return flush(&writing);
}

/* Servers that are gone */

bool booking_waiters_leave_gone(const struct booking_context *context)
{
	struct waitlist *list = context->waitlist;
	struct store_event *event;

	if (!is_shared(context)) {
		return true;
	}
	for (struct waiter *waiter = waitlist_oldest(list); waiter;
	     waiter = waitlist_later(list, waiter)) {
		const uint32_t server = booking_server_of(waiter->client.session);

		if (waiter->state != WAITER_WAITS || waiter_is_here(waiter) ||
		    store_is_served_by(context->store, server)) {
			continue;
		}
		if (store_event_get(context->store, waiter->event, &event) != STORE_OK ||
		    !booking_offer_none_to(context, event, waiter)) {
			return false;
		}
	}
	return true;
}
