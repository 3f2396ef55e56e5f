/*
 * sqlite_sale: the sale as one would do it with SQLite alone: so many processes, each with its own
 * handle, one transaction a booking, and a busy timeout: sqlite_sale FILE PROCESSES SECONDS
 *
 * Prints the same JSON as `turnstile bench book --json`.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/bench/report.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"
#include "shared/text/words.h"

#define PROCESSES_MAX   1024
#define SECONDS_MAX     600
#define BUSY_TIMEOUT_MS 60000
#define KEY_SIZE        64

static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
static const char schema[] = "CREATE TABLE events (name TEXT PRIMARY KEY, free INTEGER NOT NULL);"
			     "CREATE TABLE bookings (id INTEGER PRIMARY KEY, event TEXT NOT NULL,"
			     " key TEXT NOT NULL UNIQUE, quantity INTEGER NOT NULL);"
			     "INSERT INTO events VALUES ('rush', 1000000000);";
static const char sell[] = "UPDATE events SET free = free - 1 WHERE name = 'rush' AND free >= 1";
static const char record[] = "INSERT INTO bookings (event, key, quantity) VALUES ('rush', ?1, 1)";

/* Shared by all the processes. */
struct sale {
	_Atomic bool begun;
	struct histogram latencies[PROCESSES_MAX];
};

struct seller {
	sqlite3 *handle;
	sqlite3_stmt *begin;
	sqlite3_stmt *sell;
	sqlite3_stmt *record;
	sqlite3_stmt *commit;
};

static void run_text(sqlite3 *handle, const char *text)
{
	if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK) {
		die("SQLite: %s", sqlite3_errmsg(handle));
	}
}

static sqlite3 *open_store(const char *file)
{
	sqlite3 *handle;

	if (sqlite3_open(file, &handle) != SQLITE_OK) {
		die("cannot open %s", file);
	}
	sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
	run_text(handle, settings);
	return handle;
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *text)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(handle, text, -1, &statement, NULL) != SQLITE_OK) {
		die("SQLite: %s", sqlite3_errmsg(handle));
	}
	return statement;
}

static void run(struct seller *seller, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE) {
		die("SQLite: %s", sqlite3_errmsg(seller->handle));
	}
	sqlite3_reset(statement);
}

static void book(struct seller *seller, int process, int64_t number)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), "%012x%012llx", (unsigned)process, (unsigned long long)number);
	run(seller, seller->begin);
	run(seller, seller->sell);
	sqlite3_bind_text(seller->record, 1, key, -1, SQLITE_STATIC);
	run(seller, seller->record);
	run(seller, seller->commit);
}

static _Noreturn void work(struct sale *sale, const char *file, int process, int64_t duration_ns)
{
	struct seller seller = { .handle = open_store(file) };
	int64_t number = 0;

	seller.begin = prepare(seller.handle, "BEGIN IMMEDIATE");
	seller.sell = prepare(seller.handle, sell);
	seller.record = prepare(seller.handle, record);
	seller.commit = prepare(seller.handle, "COMMIT");
	while (!atomic_load(&sale->begun)) {
		clock_sleep(NS_PER_MS);
	}
	const int64_t end_ns = clock_deadline(duration_ns);
	for (int64_t now_ns = clock_monotonic_ns(); now_ns < end_ns;) {
		int64_t begun_ns = now_ns;

		book(&seller, process, number++);
		now_ns = clock_monotonic_ns();
		histogram_add(&sale->latencies[process], (uint64_t)(now_ns - begun_ns));
	}
	_exit(EXIT_SUCCESS);
}

static int64_t children_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static int64_t number(const char *text, int64_t most)
{
	int64_t value;

	if (!words_number(span_of(text), 1, most, &value)) {
		usage_error("not a number from 1 to %lld: %s", (long long)most, text);
	}
	return value;
}

static struct sale *make_sale(const char *file)
{
	struct sale *sale = mmap(NULL, sizeof(*sale), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sqlite3 *handle = open_store(file);

	if (sale == MAP_FAILED) {
		die("no memory to share: %s", strerror(errno));
	}
	run_text(handle, schema);
	sqlite3_close(handle); /* a handle does not cross a fork */
	return sale;
}

static void start(struct sale *sale, const char *file, unsigned processes, int64_t duration_ns)
{
	for (unsigned i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			die("cannot fork: %s", strerror(errno));
		}
		if (pid == 0) {
			work(sale, file, (int)i, duration_ns);
		}
	}
	clock_sleep(NS_PER_SECOND / 2); /* all have opened the file by then */
	atomic_store(&sale->begun, true);
}

int main(int argc, char **argv)
{
	static struct bench_result result = { .own_cpu_ns = -1 };
	struct bench_plan plan = { .kind = BENCH_BOOK };

	log_start("sqlite_sale", LOG_WARNING, LOG_TEXT);
	if (argc != 4) {
		usage_error("FILE PROCESSES SECONDS");
	}
	struct sale *sale = make_sale(argv[1]);
	plan.clients = (unsigned)number(argv[2], PROCESSES_MAX);
	plan.duration_ns = number(argv[3], SECONDS_MAX) * NS_PER_SECOND;
	start(sale, argv[1], plan.clients, plan.duration_ns);
	int64_t begun_ns = clock_monotonic_ns();
	while (wait(NULL) > 0) {
		;
	}
	result.elapsed_ns = clock_monotonic_ns() - begun_ns;
	for (unsigned i = 0; i < plan.clients; i++) {
		histogram_merge(&result.latency, &sale->latencies[i]);
	}
	result.operations = (int64_t)result.latency.count;
	result.cpu_ns = children_cpu_ns();
	bench_report_json("book", &plan, &result);
	return EXIT_SUCCESS;
}
