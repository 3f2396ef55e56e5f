#include "tests/programs/watch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/child.h"

#define PATH_SIZE    64
#define STATUS_SIZE  4096
#define OPENINGS_MAX 16   /* connections held until one lands where it should */
#define NAMELESS_MS  1000 /* a child has its name long before */

/* Reads a file of /proc whole; false when it is gone. */
static bool read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	FILE *file = fopen(path, "re");
	if (!file) {
		return false;
	}
	size_t length = fread(text, 1, size - 1, file);
	fclose(file);
	text[length] = '\0';
	return length > 0;
}

/* What stands in /proc/PID/stat behind the name, which may hold spaces: the state comes first. */
static bool read_stat(pid_t pid, char *text, size_t size)
{
	if (!read_proc(pid, "stat", text, size)) {
		return false;
	}
	const char *end = strrchr(text, ')');
	if (!end) {
		return false;
	}
	memmove(text, end + 2, strlen(end + 2) + 1);
	return true;
}

static pid_t parent_of(pid_t pid)
{
	char text[STATUS_SIZE];
	int parent = 0;

	if (!read_stat(pid, text, sizeof(text)) || sscanf(text, "%*c %d", &parent) != 1) {
		return 0;
	}
	return parent;
}

/* It serves nobody, and is there for an upgrade alone. */
static bool is_launcher(pid_t pid)
{
	char name[STATUS_SIZE];

	return read_proc(pid, "comm", name, sizeof(name)) && strcmp(name, "turnstile-exec\n") == 0;
}

/* Until it has said who it is, a child is called as its parent. */
static bool is_newborn(pid_t parent, pid_t child)
{
	char old[STATUS_SIZE], name[STATUS_SIZE];

	return read_proc(parent, "comm", old, sizeof(old)) &&
	       read_proc(child, "comm", name, sizeof(name)) && strcmp(name, old) == 0 &&
	       watch_state(child) != 'Z';
}

static void await_name(pid_t parent, pid_t child)
{
	for (int i = 0; i < NAMELESS_MS && is_newborn(parent, child); i++) {
		clock_sleep(NS_PER_MS);
	}
}

size_t watch_children(pid_t parent, pid_t children[WATCH_CHILDREN_MAX])
{
	DIR *proc = opendir("/proc");
	size_t count = 0;

	cr_assert_not_null(proc);
	for (const struct dirent *entry; (entry = readdir(proc));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || count == WATCH_CHILDREN_MAX || parent_of(pid) != parent) {
			continue;
		}
		await_name(parent, pid);
		if (!is_launcher(pid)) {
			children[count++] = pid;
		}
	}
	closedir(proc);
	return count;
}

char watch_state(pid_t pid)
{
	char text[STATUS_SIZE];

	return read_stat(pid, text, sizeof(text)) ? text[0] : '\0';
}

size_t watch_zombies(pid_t parent)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(parent, children);
	size_t zombies = 0;

	for (size_t i = 0; i < count; i++) {
		zombies += watch_state(children[i]) == 'Z';
	}
	return zombies;
}

long watch_memory_kib(pid_t pid)
{
	char text[STATUS_SIZE];

	if (!read_proc(pid, "status", text, sizeof(text))) {
		return 0;
	}
	const char *line = strstr(text, "RssAnon:");
	return !line ? 0 : strtol(line + strlen("RssAnon:"), NULL, 10);
}

long watch_children_memory_kib(pid_t parent)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(parent, children);
	long memory = 0;

	for (size_t i = 0; i < count; i++) {
		memory += watch_memory_kib(children[i]);
	}
	return memory;
}

size_t watch_descriptors(pid_t pid)
{
	char path[PATH_SIZE];
	size_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	if (!folder && errno == EACCES) {
		cr_skip_test("only root sees the descriptors of a process that is not dumpable");
	}
	cr_assert_not_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder));) {
		count += entry->d_name[0] != '.';
	}
	closedir(folder);
	return count;
}

long watch_ticks(pid_t pid)
{
	char text[STATUS_SIZE];
	long user = 0;
	long system = 0;

	cr_assert(read_stat(pid, text, sizeof(text)));
	cr_assert_eq(
		sscanf(text, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system),
		2);
	return user + system;
}

bool watch_signal(pid_t parent, pid_t child, int signal)
{
	int descriptor = pidfd_open(child, 0);

	if (descriptor < 0) {
		return false;
	}
	bool done =
		parent_of(child) == parent && pidfd_send_signal(descriptor, signal, NULL, 0) == 0;
	close(descriptor);
	return done;
}

bool watch_signal_any(pid_t parent, unsigned *seed, int signal)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(parent, children);

	return count > 0 && watch_signal(parent, children[(size_t)rand_r(seed) % count], signal);
}

static void *run_killer(void *argument)
{
	struct killer *killer = argument;

	while (!killer->stopping) {
		killer->kills += watch_signal_any(killer->master, &killer->seed, SIGKILL);
		clock_sleep(killer->pause_ns);
	}
	return NULL;
}

void killer_start(struct killer *killer, pid_t master, int64_t pause_ns)
{
	killer->master = master;
	killer->pause_ns = pause_ns;
	killer->seed = (unsigned)clock_monotonic_ns();
	killer->stopping = false;
	killer->kills = 0;
	cr_assert_eq(pthread_create(&killer->thread, NULL, run_killer, killer), 0);
}

void killer_stop(struct killer *killer)
{
	killer->stopping = true;
	pthread_join(killer->thread, NULL);
}

unsigned serving(struct talk *talk, pid_t *pid)
{
	unsigned worker = 0;
	int number = 0;

	const char *line = talk_ask(talk, "/where", "+where ");
	cr_assert_eq(sscanf(line, "+where %*s %u %d", &worker, &number), 2);
	if (pid) {
		*pid = number;
	}
	return worker;
}

long stat_of(struct talk *talk, const char *name)
{
	const char *line;
	long value = -1;

	talk_say(talk, "/stats");
	while ((line = talk_expect_answer(talk, ""))[0] == '=') {
		size_t length = strcspn(line + 1, " ");
		if (length == strlen(name) && strncmp(line + 1, name, length) == 0) {
			value = strtol(line + 1 + length, NULL, 10);
		}
	}
	cr_assert_geq(value, 0, "/stats has no %s", name);
	return value;
}

/* Opens connections until one is served there; those before it are closed. */
static bool opens_on(struct talk *talk, uint16_t port, unsigned worker)
{
	int others[OPENINGS_MAX];
	int count = 0;

	talk_open_greeted(talk, port);
	while (serving(talk, NULL) != worker && count < OPENINGS_MAX) {
		others[count++] = talk->descriptor;
		talk_open_greeted(talk, port);
	}
	bool there = serving(talk, NULL) == worker;
	if (!there) {
		talk_close(talk);
	}
	while (count > 0) {
		close(others[--count]);
	}
	return there;
}

void open_on(struct talk *talk, uint16_t port, unsigned worker)
{
	cr_assert(eventually(opens_on(talk, port, worker)), "no connection gets to worker %u",
		  worker);
}

/* Whether each worker took one of these connections. */
static bool all_take(uint16_t port, unsigned count)
{
	static struct talk talks[2 * WATCH_CHILDREN_MAX];
	uint64_t seen = 0;

	for (unsigned i = 0; i < 2 * count; i++) {
		talk_open_greeted(&talks[i], port);
		seen |= UINT64_C(1) << (serving(&talks[i], NULL) - 1);
	}
	for (unsigned i = 0; i < 2 * count; i++) {
		talk_close(&talks[i]);
	}
	return seen == (UINT64_C(1) << count) - 1;
}

void wait_for_workers(uint16_t port, unsigned count)
{
	cr_assert(eventually(all_take(port, count)), "not all workers serve");
}
