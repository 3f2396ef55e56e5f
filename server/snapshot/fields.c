#include "server/snapshot/fields.h"

static uint32_t number_below(struct records *records, uint32_t number, uint32_t end)
{
	RECORD_NUMBER(records, number);
	if (records->reads && number >= end) {
		records->broken = true;
		number = 0;
	}
	return number;
}

uint32_t worker_field(struct records *records, const struct shared_state *shared, uint32_t worker)
{
	return number_below(records, worker, shared->workers);
}

uint32_t seat_field(struct records *records, const struct shared_state *shared, uint32_t seat)
{
	return number_below(records, seat, shared->directory->seats_a_worker);
}

uint16_t room_field(struct records *records, uint16_t room)
{
	return (uint16_t)number_below(records, room, ROOMS_MAX);
}
