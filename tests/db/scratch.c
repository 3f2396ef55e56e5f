#include "tests/db/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/process.h"

#define WALL_NS  (1800000000 * NS_PER_SECOND) /* any time will do */
#define PATHS    8
#define PATH_LEN 256

static char folder[64];

void scratch_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/turnstile-db-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

void scratch_remove(void)
{
	chmod(folder, 0700);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *next_path(void)
{
	static char paths[PATHS][PATH_LEN];
	static unsigned next;
	return paths[next++ % PATHS];
}

const char *scratch_path(const char *name)
{
	char *path = next_path();
	snprintf(path, PATH_LEN, "%s%s%s", folder, *name ? "/" : "", name);
	return path;
}

const char *scratch_url(const char *name)
{
	char *path = next_path();
	snprintf(path, PATH_LEN, "sqlite:%s/%s", folder, name);
	return path;
}

int in_child(int (*run)(void *argument), void *argument)
{
	struct process_options options = { .name = "test-child", .daemon = true };
	struct process *process = process_start(&options, run, argument);
	cr_assert(process != NULL);
	cr_assert(process_join(process, 60 * NS_PER_SECOND));
	int status = process_exit_status(process);
	process_destroy(process);
	return status;
}

void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "we");
	cr_assert(file != NULL);
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
	cr_assert_eq(fclose(file), 0);
}

void copy_file(const char *from, const char *to)
{
	size_t size = file_size(from);
	char *bytes = malloc(size + 1);
	FILE *file = fopen(from, "re");
	cr_assert(bytes != NULL && file != NULL);
	cr_assert_eq(fread(bytes, 1, size, file), size);
	cr_assert_eq(fclose(file), 0);
	write_file(to, bytes, size);
	free(bytes);
}

size_t file_size(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

struct store *open_store(void)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url("s"), error);
	cr_assert(store != NULL, "%s", error);
	return store;
}

void begin(struct store *store)
{
	cr_assert(store_take(store, 5 * NS_PER_SECOND));
	cr_assert_eq(store_begin(store), STORE_OK, "%s", store_error(store));
}

void commit(struct store *store)
{
	cr_assert_eq(store_commit(store), STORE_OK, "%s", store_error(store));
	cr_assert_eq(store_tend(store), STORE_OK, "%s", store_error(store));
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
	cr_assert_eq(answer.outcome, BOOKING_DONE);
}

struct booking_answer ask(struct store *store, enum booking_verb verb, const char *event,
			  int64_t quantity, const char *key)
{
	struct booking_request request = { .verb = verb, .quantity = quantity };
	struct booking_answer answer;
	snprintf(request.event, sizeof request.event, "%s", event);
	snprintf(request.key, sizeof request.key, "%s", key);
	booking_carry_out(store, &request, WALL_NS, &answer);
	return answer;
}

struct booking_answer ask_alone(struct store *store, enum booking_verb verb, const char *event,
				int64_t quantity, const char *key)
{
	begin(store);
	struct booking_answer answer = ask(store, verb, event, quantity, key);
	commit(store);
	return answer;
}

bool adds_up(struct store *store, const char *name)
{
	struct store_event *event;
	int64_t sold;
	int64_t held;
	begin(store);
	bool good = store_event_find(store, name, &event) == STORE_OK &&
		    store_event_count(store, event->number, &sold, &held) == STORE_OK &&
		    event->sold == sold && event->held == held && sold + held <= event->total;
	abandon(store);
	return good;
}
