/*
 * auditor: counts tickets one by one, beside the clerk and without the store's lock.
 *
 * A worker's loop asks, and a thread of that worker counts the whole store on a snapshot
 * (store_count); all who had asked before it began are answered by that one count, and who asks
 * meanwhile by the next. Of all workers one counts at a time, and then rests as long as the count
 * took. The thread starts when it is first asked. It writes nothing, so it may be killed anywhere.
 */
#ifndef SERVER_BOOKING_AUDITOR_H
#define SERVER_BOOKING_AUDITOR_H

#include "db/booking/request.h"
#include "server/state/shared_state.h"

/* A question of a session's, and its answer. */
struct audit {
	struct audit *next;
	uint64_t session;
	uint32_t seat;
	struct booking_request request;
	struct booking_answer answer;
};

struct auditor;

/* Dies when there is no memory. */
struct auditor *auditor_create(struct shared_state *shared, uint32_t worker);

/* Ends the thread, also amid a count. */
void auditor_destroy(struct auditor *auditor);

/*
 * The loop: asks for a copy of QUESTION; the loop is woken when that is answered. False when there
 * is no memory, or no thread to be had.
 */
bool auditor_ask(struct auditor *auditor, const struct audit *question);

/* The loop: what is answered, a list to be freed one by one; NULL when there is nothing. */
struct audit *auditor_take_answers(struct auditor *auditor);
bool auditor_has_answers(const struct auditor *auditor);

#endif
