#include "server/state/told.h"

const struct told_rename *told_find(const struct told *told, uint64_t number)
{
	static const struct told_rename nowhere = { .number = 0 };
	const struct told_rename *rename = &told->renames[number % TOLD_RENAMES];

	return rename->number == number ? rename : &nowhere;
}

void told_note(struct told *told, uint64_t number, uint16_t room)
{
	struct told_rename *rename = &told->renames[number % TOLD_RENAMES];

	if (rename->number < number) {
		atomic_store(&rename->number, 0);
		atomic_store(&rename->room_count, 0);
		atomic_store(&rename->number, number);
	}
	if (rename->number == number && rename->room_count < TOLD_ROOMS) {
		rename->rooms[rename->room_count] = room;
		atomic_fetch_add(&rename->room_count, 1);
	}
}
