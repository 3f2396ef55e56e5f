#include "db/booking/waitlist.h"

#include <stdlib.h>
#include <string.h>

void waitlist_init(struct waitlist *list)
{
	list->first = WAITLIST_NONE;
	list->last = WAITLIST_NONE;
	list->free = WAITLIST_NONE;
}

uint32_t waitlist_place(const struct waitlist *list, const struct waiter *waiter)
{
	return (uint32_t)(waiter - list->waiters);
}

static struct waiter *at(struct waitlist *list, uint32_t place)
{
	return place == WAITLIST_NONE ? NULL : &list->waiters[place];
}

static struct waiter *take_entry(struct waitlist *list)
{
	struct waiter *waiter = at(list, list->free);

	if (waiter) {
		list->free = waiter->next;
		return waiter;
	}
	return list->never_used < WAITLIST_MAX ? &list->waiters[list->never_used++] : NULL;
}

static void link_last(struct waitlist *list, struct waiter *waiter)
{
	uint32_t place = waitlist_place(list, waiter);

	waiter->next = WAITLIST_NONE;
	waiter->previous = list->last;
	if (list->last == WAITLIST_NONE) {
		list->first = place;
	} else {
		list->waiters[list->last].next = place;
	}
	list->last = place;
	list->count++;
}

static void unlink_entry(struct waitlist *list, const struct waiter *waiter)
{
	if (waiter->previous == WAITLIST_NONE) {
		list->first = waiter->next;
	} else {
		list->waiters[waiter->previous].next = waiter->next;
	}
	if (waiter->next == WAITLIST_NONE) {
		list->last = waiter->previous;
	} else {
		list->waiters[waiter->next].previous = waiter->previous;
	}
	list->count--;
}

bool waitlist_has_room(const struct waitlist *list)
{
	return list->free != WAITLIST_NONE || list->never_used < WAITLIST_MAX;
}

/* A new entry at the end, as WAITER is; NULL when the list is full. */
static struct waiter *put(struct waitlist *list, const struct waiter *waiter, uint64_t order,
			  enum waiter_state state)
{
	struct waiter *entry = take_entry(list);

	if (!entry) {
		return NULL;
	}
	memcpy(entry->event_name, waiter->event_name, sizeof(entry->event_name));
	entry->event = waiter->event;
	entry->quantity = waiter->quantity;
	entry->client = waiter->client;
	entry->passed = entry->passed_before = waiter->passed;
	entry->gathered = entry->gathered_before = waiter->gathered;
	entry->position = 0;
	entry->told = 0;
	entry->offered = 0;
	entry->lost = false;
	entry->order = order;
	atomic_store(&entry->state, state);
	link_last(list, entry);
	return entry;
}

struct waiter *waitlist_add(struct waitlist *list, const struct waiter *waiter)
{
	struct waiter *entry = put(list, waiter, list->last_order + 1, WAITER_NEW);

	if (entry) {
		list->last_order++;
		list->batch = true;
	}
	return entry;
}

/* One that another machine offered something only has to be told. */
static bool is_waiting(const struct waiter *waiter)
{
	return (waiter->state == WAITER_NEW || waiter->state == WAITER_WAITS) &&
	       waiter->offered == 0;
}

bool waiter_is_here(const struct waiter *waiter)
{
	return waiter->client.worker != WAITLIST_ELSEWHERE;
}

bool waitlist_has(const struct waitlist *list, uint32_t place, uint64_t order)
{
	return list->waiters[place].order == order && is_waiting(&list->waiters[place]);
}

/* It was passed over as often as it may be. */
static bool is_due(const struct waiter *waiter)
{
	return waiter->passed >= WAITLIST_PASSES_MAX;
}

static struct waiter *from(struct waitlist *list, uint32_t place, int64_t event)
{
	struct waiter *waiter = at(list, place);

	while (waiter && (waiter->event != event || !is_waiting(waiter))) {
		waiter = at(list, waiter->next);
	}
	return waiter;
}

struct waiter *waitlist_first(struct waitlist *list, int64_t event)
{
	return from(list, list->first, event);
}

struct waiter *waitlist_next(struct waitlist *list, const struct waiter *waiter)
{
	return from(list, waiter->next, waiter->event);
}

struct waiter *waitlist_find(struct waitlist *list, uint64_t session, int64_t event)
{
	struct waiter *waiter = waitlist_first(list, event);

	while (waiter && waiter->client.session != session) {
		waiter = waitlist_next(list, waiter);
	}
	return waiter;
}

static void take_off(struct waitlist *list, struct waiter *waiter)
{
	unlink_entry(list, waiter);
	atomic_store(&waiter->state, WAITER_FREE);
	waiter->client.session = 0;
	waiter->next = list->free;
	list->free = waitlist_place(list, waiter);
	list->changed = true;
}

/* One who is new in this batch is off either way. */
void waitlist_remove(struct waitlist *list, struct waiter *waiter)
{
	if (waiter->state == WAITER_NEW) {
		take_off(list, waiter);
	} else {
		atomic_store(&waiter->state, WAITER_LEAVES);
	}
	list->batch = true;
	list->changed = true;
}

void waitlist_pass_over(struct waitlist *list, struct waiter *waiter)
{
	waiter->passed++;
	list->batch = true;
	list->gathers |= is_due(waiter);
}

void waitlist_begin_gathering(struct waitlist *list, struct waiter *waiter, int64_t ticket)
{
	waiter->gathered = ticket;
	list->batch = true;
	list->gathers = true;
}

void waitlist_end_gathering(struct waitlist *list, struct waiter *waiter)
{
	waiter->gathered = 0;
	waiter->passed = 0;
	list->batch = true;
}

struct waiter *waitlist_any_of(struct waitlist *list, uint64_t session)
{
	struct waiter *waiter = at(list, list->first);

	while (waiter && (waiter->client.session != session || !is_waiting(waiter))) {
		waiter = at(list, waiter->next);
	}
	return waiter;
}

uint32_t waitlist_position(struct waitlist *list, const struct waiter *waiter)
{
	uint32_t position = 1;

	for (const struct waiter *before = waitlist_first(list, waiter->event);
	     before && before != waiter; before = waitlist_next(list, before)) {
		position++;
	}
	return position;
}

int64_t waitlist_event_after(const struct waitlist *list, int64_t after)
{
	int64_t lowest = 0;

	for (uint32_t place = list->first; place != WAITLIST_NONE;
	     place = list->waiters[place].next) {
		int64_t event = list->waiters[place].event;

		if (event > after && (lowest == 0 || event < lowest)) {
			lowest = event;
		}
	}
	return lowest;
}

struct waiter *waitlist_group(struct waitlist *list, int64_t event)
{
	struct waiter *due = NULL;
	bool others = false;

	if (!list->gathers) {
		return NULL; /* as nearly always: nobody looks through a long list for it */
	}
	for (struct waiter *waiter = at(list, list->first); waiter;
	     waiter = at(list, waiter->next)) {
		bool here = waiter->event == event && is_waiting(waiter);

		if (here && waiter->gathered != 0) {
			return waiter;
		}
		if (here && is_due(waiter) && !due) {
			due = waiter;
		}
		others |= waiter->gathered != 0 || is_due(waiter);
	}
	list->gathers = others;
	return due;
}

/* Most wait already: nobody else's cache is disturbed for them. */
static void stay(struct waiter *waiter)
{
	if (waiter->state != WAITER_WAITS) {
		atomic_store(&waiter->state, WAITER_WAITS);
	}
}

static void commit_one(struct waitlist *list, struct waiter *waiter)
{
	waiter->passed_before = waiter->passed;
	waiter->gathered_before = waiter->gathered;
	if (waiter->state == WAITER_OFFERED || waiter->state == WAITER_LEAVES) {
		take_off(list, waiter);
	} else {
		stay(waiter);
	}
}

static void roll_back_one(struct waitlist *list, struct waiter *waiter)
{
	waiter->passed = waiter->passed_before;
	waiter->gathered = waiter->gathered_before;
	if (waiter->order > list->order_before) {
		take_off(list, waiter);
	} else {
		stay(waiter);
	}
}

static void settle(struct waitlist *list,
		   void (*settle_one)(struct waitlist *list, struct waiter *waiter))
{
	if (!list->batch) {
		return;
	}
	for (struct waiter *next, *waiter = at(list, list->first); waiter; waiter = next) {
		next = at(list, waiter->next);
		settle_one(list, waiter);
	}
	list->order_before = list->last_order;
	list->batch = false;
}

void waitlist_commit(struct waitlist *list)
{
	settle(list, commit_one);
	list->seen = list->seen_after;
}

void waitlist_roll_back(struct waitlist *list)
{
	list->seen_after = list->seen;
	list->changed |= list->batch;
	list->gathers = true; /* somebody may be as before: who asks next looks */
	settle(list, roll_back_one);
}

/* The row of all machines */

struct waiter *waitlist_oldest(struct waitlist *list)
{
	return at(list, list->first);
}

struct waiter *waitlist_later(struct waitlist *list, const struct waiter *waiter)
{
	return at(list, waiter->next);
}

struct waiter *waitlist_join(struct waitlist *list, const struct waiter *waiter)
{
	list->changed = true;
	return put(list, waiter, waiter->order, WAITER_WAITS);
}

void waitlist_drop(struct waitlist *list, struct waiter *waiter)
{
	take_off(list, waiter);
}

/* Repair */

static int by_order(const void *left, const void *right)
{
	const struct waiter *a = *(const struct waiter *const *)left;
	const struct waiter *b = *(const struct waiter *const *)right;

	return a->order < b->order ? -1 : a->order > b->order;
}

void waitlist_repair(struct waitlist *list)
{
	static struct waiter *used[WAITLIST_MAX];
	size_t count = 0;
	uint32_t never_used = list->never_used;

	waitlist_init(list);
	list->count = 0;
	for (uint32_t i = 0; i < never_used; i++) {
		struct waiter *waiter = &list->waiters[i];

		if (waiter->state != WAITER_FREE) {
			used[count++] = waiter;
		} else {
			waiter->next = list->free;
			list->free = i;
		}
	}
	qsort(used, count, sizeof(*used), by_order);
	for (size_t i = 0; i < count; i++) {
		link_last(list, used[i]);
	}
	list->batch = true;
	list->changed = true;
	list->gathers = true;
}

/* Events that one numbering tells apart; waiters for further ones are counted one by one. */
#define NUMBERED_EVENTS 64

struct numbering {
	int64_t event;
	uint32_t count;
};

static uint32_t number_one(struct waitlist *list, struct numbering *events, size_t *known,
			   const struct waiter *waiter)
{
	size_t i = 0;

	while (i < *known && events[i].event != waiter->event) {
		i++;
	}
	if (i == NUMBERED_EVENTS) {
		return waitlist_position(list, waiter);
	}
	if (i == *known) {
		events[(*known)++] = (struct numbering){ waiter->event, 0 };
	}
	return ++events[i].count;
}

bool waitlist_number(struct waitlist *list)
{
	struct numbering events[NUMBERED_EVENTS];
	size_t known = 0;

	if (!list->changed) {
		return false;
	}
	list->changed = false;
	for (struct waiter *waiter = at(list, list->first); waiter;
	     waiter = at(list, waiter->next)) {
		if (is_waiting(waiter)) {
			uint32_t position = number_one(list, events, &known, waiter);

			atomic_store(&waiter->position, position);
		}
	}
	atomic_fetch_add(&list->numberings, 1);
	return true;
}
