#include "db/postgres/count.h"

#include "db/postgres/handle.h"
#include "db/postgres/open.h"
#include "shared/base/clock.h"

#define LOOK_AT_ONE 1024 /* tickets between two looks whether to go on */

struct counting {
	struct postgres_link link;
	const struct store_count_leave *leave;
	struct tallies *tallies;
	unsigned seen;
	bool stopped;
	bool failed; /* no memory */
};

static void see_event(void *context, const PGresult *row)
{
	struct counting *counting = context;
	struct store_event event;
	postgres_read_event(row, 0, &event);
	counting->failed |= !tallies_add_event(counting->tallies, &event);
}

/* One of an event that is not there counts for none: `store check` tells of it. */
static void see_ticket(void *context, const PGresult *row)
{
	struct counting *counting = context;
	const struct store_ticket ticket = { .event = link_number(row, 0, 0),
					     .quantity = link_number(row, 0, 1),
					     .state = (enum ticket_state)link_number(row, 0, 2) };
	(void)tallies_add_ticket(counting->tallies, &ticket);
	if (++counting->seen % LOOK_AT_ONE == 0 && !counting->stopped &&
	    !counting->leave->may_go_on(counting->leave->context)) {
		counting->stopped = true;
		counting->link.patience_ns = 0; /* what is still to come is not waited for */
	}
}

static enum store_result count_all(struct counting *counting)
{
	struct postgres_link *link = &counting->link;
	bool good = link_post(link, POSTGRES_EVENT_ALL, NULL) &&
		    link_each(link, see_event, counting) &&
		    link_post(link, POSTGRES_EVENT_TALLIES, NULL) &&
		    link_each(link, see_ticket, counting);
	if (counting->stopped) {
		return STORE_NONE;
	}
	return good && !counting->failed ? STORE_OK : STORE_FAILED;
}

/* The snapshot is taken by the first statement: with the lock held, as it is for a file. */
static enum store_result begin_locked(struct counting *counting, struct mutex *lock)
{
	struct postgres_link *link = &counting->link;
	if (mutex_lock_within(lock, STORE_COUNT_LOCK_NS, NULL) != MUTEX_TAKEN) {
		return STORE_NONE;
	}
	enum store_result result = STORE_NONE;
	if (counting->leave->may_begin(counting->leave->context)) {
		bool good = link_post(link, POSTGRES_BEGIN_SNAPSHOT, NULL) &&
			    link_post(link, POSTGRES_CLOCK, NULL) && link_settle(link);
		result = good ? STORE_OK : STORE_FAILED;
	}
	mutex_unlock(lock);
	return result;
}

enum store_result postgres_count(const char *url, struct mutex *lock,
				 const struct store_count_leave *leave, struct tallies *tallies,
				 char *error)
{
	struct counting counting = { .leave = leave, .tallies = tallies };
	struct postgres_about about;
	if (!postgres_connect(&counting.link, url, false, &about)) {
		store_refuse(error, "%s", counting.link.error);
		return STORE_FAILED;
	}
	counting.link.patience_ns = LINK_LONG_PATIENCE_NS;
	enum store_result result = begin_locked(&counting, lock);
	if (result == STORE_OK) {
		result = count_all(&counting);
	}
	if (result == STORE_FAILED) {
		store_refuse(error, "%s", counting.link.error);
	}
	link_close(&counting.link);
	return result;
}
