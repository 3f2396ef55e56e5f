#include "tests/db/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "tests/support/child.h"
#ifdef TURNSTILE_WITH_POSTGRES
#include "tests/support/database.h"
#endif
#include "tests/support/folder.h"

#define WALL_NS   (1800000000 * NS_PER_SECOND) /* any time will do */
#define PATHS     8
#define URL_SIZE  (FOLDER_PATH_SIZE + 64)
#define OPENINGS  10
#define NAME_SIZE 64 /* of a database */

static struct folder folder;
static const char *scheme = "sqlite";
static pid_t test; /* the process */

/* An assertion for the test and for its children. */
#define must(condition)                                                     \
	do {                                                                \
		bool must_holds = (condition);                              \
		if (!must_holds && getpid() != test)                        \
			child_check_failed(__FILE__, __LINE__, #condition); \
		cr_assert(must_holds, "%s", #condition);                    \
	} while (0)

void scratch_use(const char *wanted)
{
	scheme = wanted;
}

bool scratch_is_json(void)
{
	return strcmp(scheme, "json") == 0;
}

bool scratch_is_database(void)
{
	return strcmp(scheme, "postgres") == 0;
}

#ifdef TURNSTILE_WITH_POSTGRES
static char used[PATHS][NAME_SIZE]; /* databases, by their names */
static size_t used_count;

static void must_have_database(void)
{
	if (!database_shared()) {
		cr_skip_test("no PostgreSQL is installed");
	}
}

/* The database NAME of this test, made when it is named first. */
static void name_database(const char *name, char *url)
{
	char full[NAME_SIZE];
	snprintf(full, sizeof(full), "test_%d_%s", (int)test, name);
	database_url(database_shared(), full, url);
	for (size_t i = 0; i < used_count; i++) {
		if (strcmp(used[i], full) == 0) {
			return;
		}
	}
	must(used_count < PATHS && database_create(database_shared(), full));
	memcpy(used[used_count++], full, sizeof(full));
}

static void drop_databases(void)
{
	while (used_count > 0) {
		database_drop(database_shared(), used[--used_count]);
	}
}

void scratch_run(const char *sql)
{
	must(database_run(scratch_url("s"), sql));
}

void scratch_empty(void)
{
	scratch_run("DO $$ BEGIN IF to_regclass('turnstile.store') IS NOT NULL THEN"
		    " UPDATE turnstile.store SET last_ticket = 0;"
		    " DELETE FROM turnstile.events; DELETE FROM turnstile.tickets;"
		    " DELETE FROM turnstile.batches; DELETE FROM turnstile.leases;"
		    " DELETE FROM turnstile.rooms; DELETE FROM turnstile.messages;"
		    " DELETE FROM turnstile.bans; END IF; END $$");
}
#else
static void must_have_database(void)
{
}

static void name_database(const char *name, char *url)
{
	(void)name;
	(void)url;
}

static void drop_databases(void)
{
}

void scratch_run(const char *sql)
{
	(void)sql;
	must(scratch_is_database());
}

void scratch_empty(void)
{
	must(scratch_is_database());
}
#endif

void scratch_make(void)
{
	test = getpid();
	if (scratch_is_database()) {
		must_have_database();
	}
	folder_init(&folder);
	store_lock_in(folder.path);
}

void scratch_remove(void)
{
	drop_databases();
	chmod(folder.path, 0700);
	folder_finish(&folder);
}

static char *next_path(void)
{
	static char paths[PATHS][URL_SIZE];
	static unsigned next;
	return paths[next++ % PATHS];
}

const char *scratch_path(const char *name)
{
	char *path = next_path();
	snprintf(path, URL_SIZE, "%s%s%s", folder.path, *name ? "/" : "", name);
	return path;
}

const char *scratch_url(const char *name)
{
	char *path = next_path();
	if (scratch_is_database()) {
		name_database(name, path);
	} else {
		snprintf(path, URL_SIZE, "%s:%s/%s", scheme, folder.path, name);
	}
	return path;
}

void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "we");
	must(file != NULL);
	must(fwrite(bytes, 1, length, file) == length);
	must(fclose(file) == 0);
}

void copy_file(const char *from, const char *to)
{
	size_t size = file_size(from);
	char *bytes = malloc(size + 1);
	FILE *file = fopen(from, "re");
	must(bytes && file);
	must(fread(bytes, 1, size, file) == size);
	must(fclose(file) == 0);
	write_file(to, bytes, size);
	free(bytes);
}

size_t file_size(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

/* On a busy machine a database may not answer in the time that buyers would wait. */
struct store *open_store(void)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url("s"), error);
	for (int again = 0; !store && scratch_is_database() && again < OPENINGS; again++) {
		store = store_open(scratch_url("s"), error);
	}
	if (!store) {
		fprintf(stderr, "%s\n", error);
	}
	must(store != NULL);
	return store;
}

void begin(struct store *store)
{
	must(store_take(store, 5 * NS_PER_SECOND));
	must(store_begin(store) == STORE_OK);
}

void commit(struct store *store)
{
	must(store_commit(store) == STORE_OK);
	must(store_tend(store) == STORE_OK);
	store_give(store);
}

void abandon(struct store *store)
{
	store_rollback(store);
	store_give(store);
}

void make_event(struct store *store, const char *name, int64_t total)
{
	struct booking_answer answer = ask_alone(store, BOOKING_EVENT_NEW, name, total, "");
	must(answer.outcome == BOOKING_DONE);
}

static struct booking_request request_of(enum booking_verb verb, const char *event,
					 int64_t quantity, const char *key)
{
	struct booking_request request = { .verb = verb, .quantity = quantity };
	snprintf(request.event, sizeof(request.event), "%s", event);
	snprintf(request.key, sizeof(request.key), "%s", key);
	return request;
}

struct booking_answer ask(struct store *store, enum booking_verb verb, const char *event,
			  int64_t quantity, const char *key)
{
	const struct booking_context context = { .store = store, .wall_ns = WALL_NS };
	const struct booking_request request = request_of(verb, event, quantity, key);
	struct booking_answer answer;
	booking_carry_out(&context, &request, &answer);
	return answer;
}

/* As a batch does it: what is needed is told beforehand. */
struct booking_answer ask_alone(struct store *store, enum booking_verb verb, const char *event,
				int64_t quantity, const char *key)
{
	const struct booking_context context = { .store = store, .wall_ns = WALL_NS };
	const struct booking_request request = request_of(verb, event, quantity, key);
	struct store_needs needs = { .server = 0 };
	must(store_take(store, 5 * NS_PER_SECOND));
	booking_foresee(&context, &request, &needs);
	store_foresee(store, &needs);
	must(store_begin(store) == STORE_OK);
	struct booking_answer answer = ask(store, verb, event, quantity, key);
	commit(store);
	return answer;
}

bool adds_up(struct store *store, const char *name)
{
	struct store_event *event;
	struct tally tally = { .sold = 0 };
	begin(store);
	bool good = store_event_find(store, name, &event) == STORE_OK;
	tally.event.number = good ? event->number : 0;
	good = good && store_event_count(store, &tally) == STORE_OK && event->sold == tally.sold &&
	       event->held == tally.held && tally.sold + tally.held <= event->total;
	abandon(store);
	return good;
}
