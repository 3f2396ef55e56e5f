/*
 * beacon: tells the other machines who is here and in which rooms, as bus/live.h has it.
 *
 * It looks at the seats and the rooms in shared memory some times a second, and tells what is
 * another than it last told. When somebody asks, or missed something, all is told anew, once a
 * second at most. It keeps what it told in its own memory: a bus process that is started anew tells
 * all anew.
 */
#ifndef SERVER_BUS_BEACON_H
#define SERVER_BUS_BEACON_H

#include "server/bus/live.h"
#include "server/state/shared_state.h"

struct beacon;

/* How a message goes out; false: it does not, and the connection is as good as lost. */
typedef bool (*beacon_send)(void *context, const char *subject, struct span bytes);

/* Dies when memory is gone. */
struct beacon *beacon_create(struct shared_state *shared, beacon_send send, void *context);
void beacon_destroy(struct beacon *beacon);

/* Asks the others who they are, without being one of them yet. */
void beacon_ask(struct beacon *beacon, int64_t now_ns);

/* The connection is a new one, or somebody asked, or missed something: all is told anew. */
void beacon_begin_anew(struct beacon *beacon);

/* This machine is to ask the others with the next message that goes out, or it shows itself. */
void beacon_ask_again(struct beacon *beacon);
void beacon_show(struct beacon *beacon);

/* Often: tells what is due. */
void beacon_turn(struct beacon *beacon, int64_t now_ns);

/* This machine stops. */
void beacon_leave(struct beacon *beacon, int64_t now_ns);

#endif
