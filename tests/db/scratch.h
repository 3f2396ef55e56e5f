/*
 * scratch: what the tests of the store share: a folder that goes away, and a store in it. All of it
 * may be used in a child too: what fails there ends the child.
 *
 * TestSuite(name, .init = scratch_make, .fini = scratch_remove) gives each test a folder.
 */
#ifndef TESTS_DB_SCRATCH_H
#define TESTS_DB_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/booking/booking.h"

/*
 * A suite of tests that run on each kind of store: StoreTestSuite(name, set_up, tear_down), and
 * StoreTest(name, promise) for each, or FileStoreTest for what is promised of files alone. The
 * suites are called NAME_sqlite, NAME_json and NAME_postgres; the last ones are skipped where no
 * PostgreSQL is installed.
 */
#define StoreTestSuite(suite, set_up, tear_down)         \
	StoreTestKind(suite, sqlite, set_up, tear_down); \
	StoreTestKind(suite, json, set_up, tear_down);   \
	StoreTestDatabase(suite, set_up, tear_down)

#define StoreTestKind(suite, kind, set_up, tear_down) \
	static void suite##_set_up_##kind(void)       \
	{                                             \
		scratch_use(#kind);                   \
		set_up();                             \
	}                                             \
	TestSuite(suite##_##kind, .init = suite##_set_up_##kind, .fini = tear_down)

#define StoreTestOf(suite, kind, promise) \
	Test(suite##_##kind, promise)     \
	{                                 \
		suite##_##promise();      \
	}

#define FileStoreTest(suite, promise)        \
	static void suite##_##promise(void); \
	StoreTestOf(suite, sqlite, promise)  \
		StoreTestOf(suite, json, promise) static void suite##_##promise(void)

#ifdef TURNSTILE_WITH_POSTGRES
#define StoreTestDatabase(suite, set_up, tear_down) \
	StoreTestKind(suite, postgres, set_up, tear_down)
#define StoreTest(suite, promise)            \
	static void suite##_##promise(void); \
	StoreTestOf(suite, postgres, promise) FileStoreTest(suite, promise)
#else
#define StoreTestDatabase(suite, set_up, tear_down) _Static_assert(true, "no database")
#define StoreTest(suite, promise)                   FileStoreTest(suite, promise)
#endif

/* Which kind of store the test is about ("sqlite" if it does not say). */
void scratch_use(const char *scheme);
bool scratch_is_json(void);
bool scratch_is_database(void);

void scratch_make(void);
void scratch_remove(void);

/* The path of NAME in the folder, and its URL; good for the next seven calls. */
const char *scratch_path(const char *name);
const char *scratch_url(const char *name);

/* A database: carries out SQL in the store "s", by other means than ours. */
void scratch_run(const char *sql);

/* Likewise: nothing is left in the store "s". To make it anew takes ten times as long. */
void scratch_empty(void);

void copy_file(const char *from, const char *to);
void write_file(const char *path, const void *bytes, size_t length);
size_t file_size(const char *path); /* 0 when there is none */

/* The store "s" of the folder, with the lock not taken. */
struct store *open_store(void);

/* Takes the lock and begins a transaction; ends both. */
void begin(struct store *store);
void commit(struct store *store);
void abandon(struct store *store);

/* In a transaction of its own: makes the event NAME. */
void make_event(struct store *store, const char *name, int64_t total);

/* Carries out one request within a transaction. */
struct booking_answer ask(struct store *store, enum booking_verb verb, const char *event,
			  int64_t quantity, const char *key);

/* The same in a transaction of its own. */
struct booking_answer ask_alone(struct store *store, enum booking_verb verb, const char *event,
				int64_t quantity, const char *key);

/* Whether the event's counters are what its tickets add up to, and not above its total. */
bool adds_up(struct store *store, const char *event);

#endif
