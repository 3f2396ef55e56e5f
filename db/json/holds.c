/*
 * A binary heap in an array: the entry at place N ends no earlier than the one at N / 2. Each
 * ticket knows its place, so that it can be taken out of the middle.
 */
#include <stdlib.h>

#include "db/json/model.h"

#define ROOM_LEAST 64

static struct json_ticket *at(const struct json_model *model, size_t place)
{
	return &model->tickets[model->holds.numbers[place - 1] - 1];
}

static void put(struct json_model *model, size_t place, struct json_ticket *entry)
{
	model->holds.numbers[place - 1] = (uint32_t)entry->ticket.number;
	entry->place = (uint32_t)place;
}

static bool ends_before(const struct json_ticket *one, const struct json_ticket *other)
{
	if (one->ticket.expires_ns != other->ticket.expires_ns) {
		return one->ticket.expires_ns < other->ticket.expires_ns;
	}
	return one->ticket.number < other->ticket.number;
}

static void move_up(struct json_model *model, struct json_ticket *entry)
{
	size_t place = entry->place;
	for (; place > 1 && ends_before(entry, at(model, place / 2)); place /= 2) {
		put(model, place, at(model, place / 2));
	}
	put(model, place, entry);
}

/* Of the two places below PLACE the one that ends first; 0 when there are none. */
static size_t first_below(const struct json_model *model, size_t place)
{
	size_t below = 2 * place;
	if (below > model->holds.count) {
		return 0;
	}
	if (below == model->holds.count || ends_before(at(model, below), at(model, below + 1))) {
		return below;
	}
	return below + 1;
}

static void move_down(struct json_model *model, struct json_ticket *entry)
{
	size_t place = entry->place;
	size_t below;
	while ((below = first_below(model, place)) > 0 && ends_before(at(model, below), entry)) {
		put(model, place, at(model, below));
		place = below;
	}
	put(model, place, entry);
}

static bool make_room(struct json_holds *holds)
{
	if (holds->count < holds->room) {
		return true;
	}
	size_t room = holds->room ? holds->room * 2 : ROOM_LEAST;
	uint32_t *numbers = reallocarray(holds->numbers, room, sizeof *numbers);
	if (!numbers) {
		return false;
	}
	holds->numbers = numbers;
	holds->room = room;
	return true;
}

int64_t json_holds_first(const struct json_model *model)
{
	return model->holds.count > 0 ? model->holds.numbers[0] : 0;
}

bool json_holds_update(struct json_model *model, struct json_ticket *entry)
{
	if (entry->ticket.state != TICKET_HELD) {
		json_holds_remove(model, entry);
		return true;
	}
	if (entry->place == 0) {
		if (!make_room(&model->holds)) {
			return false;
		}
		put(model, ++model->holds.count, entry);
	}
	move_up(model, entry);
	move_down(model, entry);
	return true;
}

/* The last one takes its place, and moves to where it belongs. */
void json_holds_remove(struct json_model *model, struct json_ticket *entry)
{
	size_t place = entry->place;
	if (place == 0) {
		return;
	}
	struct json_ticket *last = at(model, model->holds.count--);
	entry->place = 0;
	if (last == entry) {
		return;
	}
	put(model, place, last);
	move_up(model, last);
	move_down(model, last);
}
