#include "db/json/json_store.h"

#include <stdlib.h>

#include "db/json/record.h"

#define UNDO_LEAST 64

static enum store_result fail_memory(struct json_store *store)
{
	return store_fail(&store->base, "%s: out of memory", store->base.path);
}

enum store_result json_ticket_add(struct store *base, struct store_ticket *ticket)
{
	struct json_store *store = json_store_of(base);
	if (store->model.ticket_count == JSON_TICKETS_MAX) {
		return store_fail(base, "%s: has %d tickets, and a JSON store has no room for more",
				  base->path, JSON_TICKETS_MAX);
	}
	if (!json_model_event(&store->model, ticket->event)) {
		return store_fail(base, "%s: a ticket of an event that is not there", base->path);
	}
	ticket->number = (int64_t)store->model.ticket_count + 1;
	return json_model_put_ticket(&store->model, ticket) ? STORE_OK : fail_memory(store);
}

static enum store_result copy(const struct json_ticket *entry, struct store_ticket *ticket)
{
	if (!entry) {
		return STORE_NONE;
	}
	*ticket = entry->ticket;
	return STORE_OK;
}

enum store_result json_ticket_get(struct store *base, int64_t number, struct store_ticket *ticket)
{
	return copy(json_model_ticket(&json_store_of(base)->model, number), ticket);
}

enum store_result json_ticket_by_key(struct store *base, const char *key,
				     struct store_ticket *ticket)
{
	return copy(json_model_ticket_by_key(&json_store_of(base)->model, key), ticket);
}

static bool make_room(struct json_undo *undo)
{
	if (undo->count < undo->room) {
		return true;
	}
	size_t room = undo->room ? undo->room * 2 : UNDO_LEAST;
	struct store_ticket *tickets = reallocarray(undo->tickets, room, sizeof *tickets);
	if (!tickets) {
		return false;
	}
	undo->tickets = tickets;
	undo->room = room;
	return true;
}

/* Keeps the ticket as it was before the transaction; one that is new goes as a whole. */
static bool remember(struct json_store *store, struct json_ticket *entry)
{
	struct json_undo *undo = &store->undo;
	if (entry->changed || (size_t)entry->ticket.number > undo->ticket_count) {
		return true;
	}
	if (!make_room(undo)) {
		return false;
	}
	undo->tickets[undo->count++] = entry->ticket;
	entry->changed = true;
	return true;
}

enum store_result json_ticket_change(struct store *base, const struct store_ticket *ticket)
{
	struct json_store *store = json_store_of(base);
	struct json_ticket *entry = json_model_ticket(&store->model, ticket->number);
	if (!entry) {
		return STORE_NONE;
	}
	if (!remember(store, entry)) {
		return fail_memory(store);
	}
	entry->ticket.state = ticket->state;
	entry->ticket.expires_ns = ticket->expires_ns;
	return json_holds_update(&store->model, entry) ? STORE_OK : fail_memory(store);
}

enum store_result json_ticket_next_expiry(struct store *base, struct store_ticket *ticket)
{
	const struct json_model *model = &json_store_of(base)->model;
	return copy(json_model_ticket(model, json_holds_first(model)), ticket);
}

/* Of two that are tied the one to be told of first: in the order of the ties, then of numbers. */
static const struct json_ticket *earlier_tie(const struct json_ticket *one,
					     const struct json_ticket *other)
{
	if (!one || other->ticket.tied < one->ticket.tied) {
		return other;
	}
	if (other->ticket.tied > one->ticket.tied) {
		return one;
	}
	return other->ticket.number < one->ticket.number ? other : one;
}

/* Goes through the holds, which are few beside the tickets. */
enum store_result json_ticket_tied(struct store *base, uint64_t least, uint64_t most,
				   struct store_ticket *ticket)
{
	const struct json_model *model = &json_store_of(base)->model;
	const struct json_ticket *first = NULL;
	for (size_t i = 0; i < model->holds.count; i++) {
		const struct json_ticket *entry = json_model_ticket(model, model->holds.numbers[i]);
		uint64_t tied = entry->ticket.tied;
		if (tied != 0 && tied >= least && tied <= most) {
			first = earlier_tie(first, entry);
		}
	}
	return copy(first, ticket);
}

enum store_result json_ticket_each(struct store *base,
				   void (*see)(void *context, const struct store_ticket *ticket),
				   void *context)
{
	const struct json_model *model = &json_store_of(base)->model;
	for (size_t i = 0; i < model->ticket_count; i++) {
		see(context, &model->tickets[i].ticket);
	}
	return STORE_OK;
}

static void write_ticket(struct json_store *store, int64_t number, bool *any)
{
	json_text_add(&store->text, "%s", *any ? ", " : ", \"tickets\": [");
	json_record_ticket(&store->text, &json_model_ticket(&store->model, number)->ticket);
	*any = true;
}

void json_tickets_write(struct json_store *store)
{
	bool any = false;
	for (size_t i = 0; i < store->undo.count; i++) {
		write_ticket(store, store->undo.tickets[i].number, &any);
	}
	for (size_t i = store->undo.ticket_count; i < store->model.ticket_count; i++) {
		write_ticket(store, (int64_t)i + 1, &any);
	}
	if (any) {
		json_text_add(&store->text, "]");
	}
}

void json_tickets_keep(struct json_store *store)
{
	for (size_t i = 0; i < store->undo.count; i++) {
		json_model_ticket(&store->model, store->undo.tickets[i].number)->changed = false;
	}
}

void json_tickets_undo(struct json_store *store)
{
	struct json_undo *undo = &store->undo;
	json_tickets_keep(store);
	json_model_cut_tickets(&store->model, undo->ticket_count);
	for (size_t i = 0; i < undo->count; i++) {
		json_model_put_ticket(&store->model, &undo->tickets[i]);
	}
	undo->count = 0;
}
