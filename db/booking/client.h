/*
 * booking_client: who asks: a connection, and whose address it comes from.
 */
#ifndef DB_BOOKING_CLIENT_H
#define DB_BOOKING_CLIENT_H

#include <stdint.h>

/* An IPv6 address, or an IPv4 one mapped into it; all zero: not known, or nobody's business. */
struct booking_owner {
	unsigned char bytes[16];
};

/* A connection of the server's: what it is told goes to that worker and seat. */
struct booking_client {
	uint64_t session; /* never used twice, by no server (booking_server_of); 0: nobody */
	uint32_t worker;
	uint32_t seat;
	struct booking_owner owner; /* what is held and waited for counts against it */
};

/* The server that had a session: the upper half of its number. */
static inline uint32_t booking_server_of(uint64_t session)
{
	return (uint32_t)(session >> 32);
}

#endif
