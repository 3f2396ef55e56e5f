/*
 * store_kind: what a kind of store fills in, and what store.c, tickets.c, chat.c and batches.c do
 * for all of them.
 *
 * Their functions check the order of calls and go on to the kind's, which mean the same and have
 * the same names. A kind's `open` allocates its own struct, which begins with a struct store, under
 * the lock; `close` frees it, under the lock too. db/open.c knows the kinds.
 */
#ifndef DB_STORE_KIND_H
#define DB_STORE_KIND_H

#include <limits.h>

#include "db/store/code.h"
#include "db/store/event_cache.h"
#include "db/store/needs.h"
#include "db/store/records.h"
#include "db/store/tallies.h"
#include "shared/base/clock.h"
#include "shared/base/siphash.h"
#include "shared/sync/mutex.h"

/* How long opening and closing wait for the lock. A holder is through in milliseconds. */
#define STORE_PATIENCE_NS       (10 * NS_PER_SECOND)
#define STORE_CLOSE_PATIENCE_NS (2 * NS_PER_SECOND)

/* How long counting waits for it before it begins. */
#define STORE_COUNT_LOCK_NS (2 * NS_PER_SECOND)

struct store_kind {
	const char *scheme; /* what stands before the ':' of a URL */

	/*
	 * For a store that is no file, else all NULL: whether a URL is good, and what it names is
	 * there; and the path beside which this machine's lock lies, in FOLDER. Such a kind's open
	 * and count get the URL, and open is called without the lock.
	 */
	bool (*is_good)(const char *url, char *error);
	bool (*is_there)(const char *url);
	bool (*locate)(const char *url, const char *folder, char *path, char *error);

	/* MAKE: makes it where there is none. */
	struct store *(*open)(const char *path, bool make, char *error);
	void (*close)(struct store *store);

	void (*foresee)(struct store *store, const struct store_needs *needs); /* or NULL */
	enum store_result (*begin)(struct store *store);
	enum store_result (*commit)(struct store *store); /* a failed one is rolled back */
	void (*rollback)(struct store *store);            /* or NULL: begin does it */
	enum store_result (*tend)(struct store *store);   /* or NULL */
	bool (*changed_elsewhere)(struct store *store);
	int64_t (*wall_ns)(const struct store *store); /* or NULL: its clock is this machine's */
	bool (*heard)(struct store *store);            /* or NULL: it never tells */

	/* All NULL: only servers of this machine are on it, and the lock file knows them. */
	bool (*serve)(struct store *store, uint32_t server);
	enum store_result (*renew)(struct store *store, uint32_t server);
	bool (*is_served_by)(struct store *store, uint32_t server);
	uint64_t (*servers)(struct store *store);

	enum store_result (*check_files)(struct store *store); /* or NULL */
	bool (*is_pressed)(const struct store *store);         /* or NULL: it never is */
	enum store_result (*set_code_key)(struct store *store, const struct siphash_key *key);

	/* tickets.c keeps the events of a transaction, and has those that it changed written. */
	enum store_result (*event_by_name)(struct store *store, const char *name,
					   struct store_event *event);
	enum store_result (*event_by_number)(struct store *store, int64_t number,
					     struct store_event *event);
	enum store_result (*event_add)(struct store *store, struct store_event *event);
	enum store_result (*event_write)(struct store *store, const struct store_event *event);
	enum store_result (*event_each)(struct store *store, store_see_event *see, void *context);
	enum store_result (*event_count)(struct store *store, struct tally *tally);

	bool (*has_room)(struct store *store); /* for a ticket more; or NULL: it always has */
	enum store_result (*ticket_add)(struct store *store, struct store_ticket *ticket);
	enum store_result (*ticket_get)(struct store *store, int64_t number,
					struct store_ticket *ticket);
	enum store_result (*ticket_by_key)(struct store *store, const char *key,
					   struct store_ticket *ticket);
	enum store_result (*ticket_change)(struct store *store, const struct store_ticket *ticket);
	enum store_result (*ticket_next_expiry)(struct store *store, struct store_ticket *ticket);
	enum store_result (*ticket_tied)(struct store *store, uint64_t least, uint64_t most,
					 struct store_ticket *ticket);
	enum store_result (*ticket_each)(struct store *store, store_see_ticket *see, void *context);

	enum store_result (*room_put)(struct store *store, const struct store_room *room,
				      bool fresh);
	enum store_result (*message_add)(struct store *store, const struct store_message *message);
	enum store_result (*messages_trim)(struct store *store, uint32_t room, unsigned keep);
	enum store_result (*ban_put)(struct store *store, const struct store_ban *ban,
				     int64_t wall_ns);
	enum store_result (*room_each)(struct store *store, store_see_room *see, void *context);
	enum store_result (*message_each)(struct store *store, store_see_message *see,
					  void *context);
	enum store_result (*ban_each)(struct store *store, store_see_ban *see, void *context);

	/* store_count in db/open.h: without a handle; takes LOCK itself while it must. */
	enum store_result (*count)(const char *path, struct mutex *lock,
				   const struct store_count_leave *leave, struct tallies *tallies,
				   char *error);

	/* Both NULL: it keeps nobody who waits. */
	enum store_result (*waiters_read)(struct store *store, store_see_waiter *see, void *context,
					  struct store_waiters_state *state);
	enum store_result (*waiters_write)(struct store *store, const struct store_waiter *waiters,
					   size_t count, uint64_t version);

	enum store_result (*batch_last)(struct store *store, int64_t server, int64_t *batch);
	enum store_result (*batch_mark)(struct store *store, int64_t server, int64_t batch);
};

/* What every kind has. `code_key` is the kind's to fill, the rest is store.c's. */
struct store {
	const struct store_kind *kind;
	struct mutex *mutex;
	struct siphash_key code_key;
	struct code_salts salts;
	struct event_cache events;
	bool taken;   /* this handle holds the lock */
	bool within;  /* a transaction is under way */
	bool changed; /* by it: what is in the store, or will be with its commit */
	bool unclear; /* the commit that failed may be on disk, or come back: the kind's to set */
	enum store_hindrance hindrance; /* of the last taking or beginning; likewise */
	bool broken; /* something failed: nothing more is done with this handle */
	char error[STORE_ERROR_SIZE];
	char path[PATH_MAX]; /* of the store's file: absolute, without symbolic links */
};

/* Keeps the message for store_error and says STORE_FAILED. */
__attribute__((format(printf, 2, 3))) enum store_result store_fail(struct store *store,
								   const char *format, ...);

/* Opening: writes the reason to ERROR (STORE_ERROR_SIZE bytes, a long one is cut); false. */
__attribute__((format(printf, 2, 3))) bool store_refuse(char *error, const char *format, ...);

/* For the functions that check the order of calls: a wrong one is a fault of the program. */
void store_must_be_taken(const struct store *store);
void store_must_be_within(const struct store *store);

/* The same for a call that changes something, which is noted. */
void store_changes(struct store *store);

/* Notes a failure: what comes after it must not be taken for the truth. */
enum store_result store_noted(struct store *store, enum store_result result);

/* Writes the events that were changed since they were last written. */
enum store_result store_write_events(struct store *store);

#endif
