/*
 * Bookings: the stock board, requests on their way and their answers, offers, who waits, what each
 * address got, and who was refused.
 */
#include "server/snapshot/bookings.h"

#include <string.h>

bool bookings_are_settled(const struct shared_state *shared)
{
	return shared->queue->batch.state == BATCH_NONE;
}

/* The stock board */

static void event_fields(struct stock_board_entry *entry, struct records *records)
{
	struct stock_board_event *event = &entry->event;

	RECORD_NUMBER(records, event->number);
	record_text(records, event->name, sizeof(event->name));
	record_text(records, event->title, sizeof(event->title));
	RECORD_NUMBER(records, event->total);
	RECORD_NUMBER(records, event->left);
	RECORD_NUMBER(records, event->open);
	RECORD_NUMBER(records, entry->sale_ns);
	RECORD_NUMBER(records, entry->sale_left);
	RECORD_NUMBER(records, entry->sale_total);
}

static void write_board(struct stock_board *board, struct records *records)
{
	for (uint32_t i = 0; i < board->count; i++) {
		record_begin(records, SNAPSHOT_EVENT);
		event_fields(&board->entries[i], records);
		record_end(records);
	}
}

void event_read(struct reading *reading, struct records *records)
{
	struct stock_board *board = reading->shared->board;

	if (board->count < STOCK_BOARD_EVENTS_MAX) {
		event_fields(&board->entries[board->count], records);
		records->broken |= !name_is_event(span_of(board->entries[board->count].event.name));
		board->count++;
		board->changes++;
	}
}

/* Requests, answers, offers */

static void client_fields(struct booking_client *client, struct records *records)
{
	RECORD_NUMBER(records, client->session);
	RECORD_NUMBER(records, client->worker);
	RECORD_NUMBER(records, client->seat);
	record_bytes(records, &client->owner, sizeof(client->owner));
}

static void request_fields(struct booking_request *request, struct records *records)
{
	RECORD_NUMBER(records, request->verb);
	RECORD_NUMBER(records, request->tied);
	RECORD_NUMBER(records, request->quantity);
	RECORD_NUMBER(records, request->seconds);
	client_fields(&request->client, records);
	record_text(records, request->event, sizeof(request->event));
	record_text(records, request->key, sizeof(request->key));
	record_text(records, request->code, sizeof(request->code));
	record_text(records, request->title, sizeof(request->title));
	records->broken |= request->verb > BOOKING_RELEASE;
}

static void answer_fields(struct booking_answer *answer, struct records *records)
{
	RECORD_NUMBER(records, answer->outcome);
	RECORD_NUMBER(records, answer->state);
	RECORD_NUMBER(records, answer->repeated);
	RECORD_NUMBER(records, answer->quantity);
	RECORD_NUMBER(records, answer->seconds);
	RECORD_NUMBER(records, answer->left);
	RECORD_NUMBER(records, answer->total);
	RECORD_NUMBER(records, answer->sold);
	RECORD_NUMBER(records, answer->held);
	RECORD_NUMBER(records, answer->limit);
	RECORD_NUMBER(records, answer->has);
	RECORD_NUMBER(records, answer->position);
	RECORD_NUMBER(records, answer->holder.pid);
	record_text(records, answer->holder.name, sizeof(answer->holder.name));
	RECORD_NUMBER(records, answer->holder.held_ns);
	record_text(records, answer->event, sizeof(answer->event));
	record_text(records, answer->code, sizeof(answer->code));
	records->broken |= answer->outcome > BOOKING_READ;
}

/* One that was answered has an answer. */
static void slot_fields(struct booking_slot *slot, bool answered, struct records *records)
{
	RECORD_NUMBER(records, slot->seat);
	RECORD_NUMBER(records, slot->session);
	RECORD_NUMBER(records, slot->asked);
	RECORD_NUMBER(records, slot->since_ns);
	RECORD_NUMBER(records, slot->arrival);
	RECORD_NUMBER(records, slot->asked_ns);
	RECORD_NUMBER(records, slot->claim);
	request_fields(&slot->request, records);
	if (answered) {
		answer_fields(&slot->answer, records);
	}
}

static void write_requests(struct booking_ring *ring, struct records *records)
{
	for (uint64_t place = ring->taken; place != ring->submitted; place++) {
		record_begin(records, SNAPSHOT_REQUEST);
		slot_fields(&ring->slots[place % BOOKING_QUEUE_SLOTS], place < ring->answered,
			    records);
		record_end(records);
	}
}

/* Its requests follow, and are counted as they come. */
static void write_ring(struct shared_state *shared, uint32_t worker, struct records *records)
{
	struct booking_ring *ring = &shared->queue->rings[worker];

	if (ring->submitted - ring->taken <= BOOKING_QUEUE_SLOTS) {
		record_begin(records, SNAPSHOT_RING);
		(void)worker_field(records, shared, worker);
		(void)record_number(records, ring->taken);
		(void)record_number(records, ring->answered);
		record_end(records);
		write_requests(ring, records);
	}
}

void ring_read(struct reading *reading, struct records *records)
{
	reading->ring = worker_field(records, reading->shared, 0);
	struct booking_ring *ring = &reading->shared->queue->rings[reading->ring];

	RECORD_NUMBER(records, ring->taken);
	RECORD_NUMBER(records, ring->answered);
	ring->submitted = ring->taken;
	records->broken |= ring->answered - ring->taken > BOOKING_QUEUE_SLOTS;
}

void request_read(struct reading *reading, struct records *records)
{
	struct booking_ring *ring = &reading->shared->queue->rings[reading->ring];

	if (ring->submitted - ring->taken >= BOOKING_QUEUE_SLOTS) {
		records->broken = true;
		return;
	}
	slot_fields(&ring->slots[ring->submitted % BOOKING_QUEUE_SLOTS],
		    ring->submitted < ring->answered, records);
	ring->submitted++;
}

static void offer_fields(struct booking_offer *offer, struct records *records)
{
	client_fields(&offer->client, records);
	RECORD_NUMBER(records, offer->quantity);
	RECORD_NUMBER(records, offer->seconds);
	record_text(records, offer->event, sizeof(offer->event));
	record_text(records, offer->code, sizeof(offer->code));
}

/* Its place is kept: a worker that was killed may have had it in hand. */
static void write_offers(struct shared_state *shared, uint32_t worker, struct records *records)
{
	struct booking_offers *offers = &shared->queue->offers[worker];

	for (uint64_t place = offers->taken; place != offers->published; place++) {
		record_begin(records, SNAPSHOT_OFFER);
		(void)worker_field(records, shared, worker);
		(void)record_number(records, place);
		offer_fields(&offers->slots[place % BOOKING_QUEUE_OFFERS], records);
		record_end(records);
	}
}

void offer_read(struct reading *reading, struct records *records)
{
	uint32_t worker = worker_field(records, reading->shared, 0);
	uint64_t place = record_number(records, 0);
	struct booking_offers *offers = &reading->shared->queue->offers[worker];

	if (offers->published == offers->taken) {
		offers->taken = offers->published = place;
	}
	if (place != offers->published || place - offers->taken >= BOOKING_QUEUE_OFFERS) {
		records->broken = true;
		return;
	}
	offer_fields(&offers->slots[place % BOOKING_QUEUE_OFFERS], records);
	offers->published = offers->written = place + 1;
}

static void write_unreleased(struct shared_state *shared, uint32_t worker, struct records *records)
{
	const struct booking_queue_unreleased *list = &shared->queue->unreleased[worker];

	for (uint32_t i = 0; i < list->count; i++) {
		record_begin(records, SNAPSHOT_UNRELEASED);
		(void)worker_field(records, shared, worker);
		(void)record_number(records, list->sessions[i]);
		record_end(records);
	}
}

void unreleased_read(struct reading *reading, struct records *records)
{
	uint32_t worker = worker_field(records, reading->shared, 0);
	uint64_t session = record_number(records, 0);

	if (session == 0 ||
	    !booking_queue_keep_unreleased(reading->shared->queue, worker, session)) {
		records->broken = true;
	}
}

/* Who waits, and what each address got: a claim names the place of one who waits. */

static void waiter_fields(struct waiter *waiter, struct records *records)
{
	RECORD_NUMBER(records, waiter->order);
	RECORD_NUMBER(records, waiter->event);
	RECORD_NUMBER(records, waiter->quantity);
	client_fields(&waiter->client, records);
	RECORD_NUMBER(records, waiter->state);
	RECORD_NUMBER(records, waiter->passed);
	RECORD_NUMBER(records, waiter->gathered);
	record_text(records, waiter->event_name, sizeof(waiter->event_name));
	RECORD_NUMBER(records, waiter->position);
	RECORD_NUMBER(records, waiter->told);
	records->broken |= waiter->state > WAITER_LEAVES;
}

static void write_waiters(struct waitlist *list, struct records *records)
{
	for (uint32_t place = 0; place < list->never_used; place++) {
		if (list->waiters[place].state != WAITER_FREE &&
		    waiter_is_here(&list->waiters[place])) { /* the others' are in the store */
			record_begin(records, SNAPSHOT_WAITER);
			(void)record_number(records, place);
			waiter_fields(&list->waiters[place], records);
			record_end(records);
		}
	}
}

void waiter_read(struct reading *reading, struct records *records)
{
	struct waitlist *list = &reading->shared->queue->waitlist;
	uint64_t place = record_number(records, 0);

	if (place >= WAITLIST_MAX) {
		records->broken = true;
		return;
	}
	struct waiter *waiter = &list->waiters[place];

	waiter_fields(waiter, records);
	waiter->passed_before = waiter->passed;
	waiter->gathered_before = waiter->gathered;
	list->never_used = place < list->never_used ? list->never_used : (uint32_t)place + 1;
}

static void claim_fields(struct claim *claim, struct records *records)
{
	record_bytes(records, &claim->owner, sizeof(claim->owner));
	RECORD_NUMBER(records, claim->quantity);
	RECORD_NUMBER(records, claim->ticket);
	RECORD_NUMBER(records, claim->mark);
	RECORD_NUMBER(records, claim->waiter);
	records->broken |= claim->waiter >= WAITLIST_MAX;
}

static void write_claims(struct claims *claims, struct records *records)
{
	for (uint32_t i = 0; i < claims->never_used; i++) {
		if (claims->claims[i].state != CLAIM_FREE) {
			record_begin(records, SNAPSHOT_CLAIM);
			claim_fields(&claims->claims[i], records);
			record_end(records);
		}
	}
}

void claim_read(struct reading *reading, struct records *records)
{
	struct claim claim = { .quantity = 0 };

	claim_fields(&claim, records);
	if (records->broken || !claims_add(&reading->shared->queue->claims, &claim)) {
		records->broken = true;
	}
}

/* Who was refused: by keys that are hashed with a secret, which goes along. */

static void refusal_fields(struct refusal_set *set, struct records *records)
{
	RECORD_NUMBER(records, set->forgotten_ns);
	for (size_t i = 0; i < REFUSALS_KEYS; i++) {
		RECORD_NUMBER(records, set->of[i].key);
		RECORD_NUMBER(records, set->of[i].session);
		RECORD_NUMBER(records, set->of[i].last_ns);
		RECORD_NUMBER(records, set->of[i].other_ns);
	}
}

static bool is_empty(const struct refusal_set *set)
{
	static const struct refusal_set nothing;

	return memcmp(set, &nothing, sizeof(nothing)) == 0;
}

static void write_refusals(struct refusals *refusals, struct records *records)
{
	for (uint32_t i = 0; i < REFUSALS_SETS; i++) {
		if (!is_empty(&refusals->sets[i])) {
			record_begin(records, SNAPSHOT_REFUSALS);
			(void)record_number(records, i);
			refusal_fields(&refusals->sets[i], records);
			record_end(records);
		}
	}
}

void refusals_read(struct reading *reading, struct records *records)
{
	uint64_t place = record_number(records, 0);

	if (place >= REFUSALS_SETS) {
		records->broken = true;
		return;
	}
	refusal_fields(&reading->shared->queue->refusals.sets[place], records);
}

/* The queue itself */

static void queue_fields(struct booking_queue *queue, struct records *records)
{
	RECORD_NUMBER(records, queue->server);
	RECORD_NUMBER(records, queue->batch.number);
	RECORD_NUMBER(records, queue->unseen);
	RECORD_NUMBER(records, queue->arrivals);
	RECORD_NUMBER(records, queue->failed_ns);
	RECORD_NUMBER(records, queue->answered_ns);
	RECORD_NUMBER(records, queue->waitlist.last_order);
	RECORD_NUMBER(records, queue->waitlist.numberings);
	RECORD_NUMBER(records, queue->refusals.secret.words[0]);
	RECORD_NUMBER(records, queue->refusals.secret.words[1]);
	RECORD_NUMBER(records, queue->refusals.newest_ns);
	RECORD_NUMBER(records, queue->awaited);
	RECORD_NUMBER(records, queue->identity);
}

void queue_read(struct reading *reading, struct records *records)
{
	queue_fields(reading->shared->queue, records);
}

void bookings_write(struct shared_state *shared, struct records *records)
{
	write_board(shared->board, records);
	record_begin(records, SNAPSHOT_QUEUE);
	queue_fields(shared->queue, records);
	record_end(records);
	for (uint32_t worker = 0; worker < shared->workers; worker++) {
		write_ring(shared, worker, records);
		write_offers(shared, worker, records);
		write_unreleased(shared, worker, records);
	}
	write_waiters(&shared->queue->waitlist, records);
	write_claims(&shared->queue->claims, records);
	write_refusals(&shared->queue->refusals, records);
}

/* An answer that did not come is asked for again; whoever opens the store looks at all of it. */
void bookings_complete(struct reading *reading)
{
	struct booking_queue *queue = reading->shared->queue;

	for (uint32_t worker = 0; worker < reading->shared->workers; worker++) {
		struct booking_ring *ring = &queue->rings[worker];

		if (ring->answered > ring->submitted) {
			ring->answered = ring->submitted;
		}
	}
	queue->unseen = true;
	queue->waitlist.order_before = queue->waitlist.last_order;
	waitlist_repair(&queue->waitlist);
}
