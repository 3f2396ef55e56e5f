/*
 * The process clock counts nanoseconds, also of threads that have ended; the children that were
 * reaped stand in /proc/PID/stat only, in ticks.
 */
#include "client/bench/cost.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/text/words.h"

#define PROCESSES_MAX 32768
#define STAT_SIZE     1024

struct process {
	pid_t pid;
	pid_t parent;
	int64_t reaped_ns; /* of its children that ended */
	bool wanted;
};

struct tree {
	struct process *processes;
	size_t count;
};

/* The command's name, in brackets, may hold anything: what counts comes after the last bracket. */
static void skip_words(struct span *rest, unsigned count)
{
	while (count-- > 0) {
		words_next(rest);
	}
}

static bool read_stat(pid_t pid, struct process *process)
{
	char path[64];
	char stat[STAT_SIZE];
	int64_t parent = 0;
	int64_t user = 0;
	int64_t kernel = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return false;
	}
	size_t length = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[length] = '\0';
	const char *rest = strrchr(stat, ')');
	process->pid = pid;
	process->wanted = false;
	/* State, parent, eleven of no interest (two are our own time), then the children's. */
	struct span words = span_of(rest ? rest + 1 : "");
	skip_words(&words, 1);
	bool good = words_number(words_next(&words), 0, INT32_MAX, &parent);
	skip_words(&words, 11);
	if (!good || !words_number(words_next(&words), 0, INT64_MAX, &user) ||
	    !words_number(words_next(&words), 0, INT64_MAX, &kernel)) {
		return false;
	}
	process->parent = (pid_t)parent;
	process->reaped_ns = (user + kernel) * (NS_PER_SECOND / sysconf(_SC_CLK_TCK));
	return true;
}

static void read_processes(struct tree *tree)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	while (folder && tree->count < PROCESSES_MAX && (entry = readdir(folder))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_stat(pid, &tree->processes[tree->count])) {
			tree->count++;
		}
	}
	if (folder) {
		closedir(folder);
	}
}

static bool is_wanted(const struct tree *tree, pid_t pid)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->processes[i].pid == pid) {
			return tree->processes[i].wanted;
		}
	}
	return false;
}

/* Again and again until no more descendants are found: a tree is only a few levels deep. */
static void mark_descendants(struct tree *tree, pid_t root)
{
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < tree->count; i++) {
			struct process *process = &tree->processes[i];

			if (process->wanted ||
			    (process->pid != root && !is_wanted(tree, process->parent))) {
				continue;
			}
			process->wanted = true;
			found = true;
		}
	}
}

static int64_t cpu_of(const struct process *process)
{
	clockid_t clock;
	struct timespec time;

	if (clock_getcpuclockid(process->pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
		return 0;
	}
	return time.tv_sec * NS_PER_SECOND + time.tv_nsec + process->reaped_ns;
}

static int64_t memory_of(const struct process *process)
{
	char path[64];
	char line[256];
	int64_t kilobytes = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", process->pid);
	FILE *file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		struct span words = span_of(line);

		found = span_equals(words_next(&words), "Pss:") &&
			words_number(words_next(&words), 0, INT32_MAX, &kilobytes);
	}
	if (file) {
		fclose(file);
	}
	return kilobytes * 1024;
}

static int64_t sum(pid_t root, int64_t (*of)(const struct process *))
{
	struct tree tree = { .processes = calloc(PROCESSES_MAX, sizeof(*tree.processes)) };
	int64_t total = 0;
	bool any = false;

	if (root <= 0 || !tree.processes) {
		free(tree.processes);
		return -1;
	}
	read_processes(&tree);
	mark_descendants(&tree, root);
	for (size_t i = 0; i < tree.count; i++) {
		if (!tree.processes[i].wanted) {
			continue;
		}
		total += of(&tree.processes[i]);
		any = true;
	}
	free(tree.processes);
	return any ? total : -1;
}

static int64_t cpu_ns(pid_t root)
{
	return sum(root, cpu_of);
}

int64_t bench_cost_memory(pid_t root)
{
	return sum(root, memory_of);
}

static int64_t own_cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

void bench_meter_begin(struct bench_meter *meter, const struct bench_plan *plan)
{
	meter->cpu_ns = cpu_ns(plan->server);
	meter->own_cpu_ns = own_cpu_ns();
	meter->begun_ns = clock_monotonic_ns();
}

void bench_meter_end(const struct bench_meter *meter, const struct bench_plan *plan,
		     struct bench_result *result)
{
	result->elapsed_ns = clock_monotonic_ns() - meter->begun_ns;
	result->own_cpu_ns = own_cpu_ns() - meter->own_cpu_ns;
	int64_t server_ns = cpu_ns(plan->server);
	result->cpu_ns = server_ns < 0 || meter->cpu_ns < 0 ? -1 : server_ns - meter->cpu_ns;
}
