#include "server/state/penalty.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/text/words.h"

#define SECONDS_SIZE 24 /* bytes, a NUL counted in */

bool penalty_put(struct bus *bus, uint32_t worker, const struct penalty *penalty, struct span by,
		 int64_t wall_ns)
{
	char network[PEER_ADDRESS_TEXT_SIZE];
	char seconds[SECONDS_SIZE];
	const char *at = memchr(by.text, '@', by.length);

	peer_network_write(penalty->network, network);
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, penalty->seconds);
	return bus_put(bus, worker, network,
		       &(struct room_message){
			       .kind = (enum message_kind)penalty->kind,
			       .nick = { by.text, at ? (size_t)(at - by.text) : by.length },
			       .text = span_of(seconds),
			       .wall_ns = wall_ns });
}

bool penalty_is_kind(int kind)
{
	return kind == PENALTY_MUTE || kind == PENALTY_BAN;
}

bool penalty_read(int kind, struct span room, struct span text, struct penalty *penalty)
{
	penalty->kind = (enum penalty_kind)kind;
	return penalty_is_kind(kind) && peer_network_read(room, &penalty->network) &&
	       words_number(text, 0, PENALTY_SECONDS_MAX, &penalty->seconds);
}
