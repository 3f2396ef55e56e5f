#include "client/lab/children.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/log.h"

struct member {
	struct lab *lab;
	lab_work work;
	void *shared;
	unsigned number;
};

static int run_member(void *argument)
{
	const struct member *member = argument;

	member->work(member->lab, member->shared, member->number);
	return 0;
}

struct process *lab_start(const char *name, int (*run)(void *argument), void *argument)
{
	const struct process_options options = { .name = name, .daemon = true };
	struct process *process = process_start(&options, run, argument);

	if (!process) {
		die("cannot start a process: %m");
	}
	return process;
}

int lab_finish(struct lab *lab, struct process *process)
{
	if (!process_join(process, LAB_PATIENCE_NS)) {
		lab_expect(lab, false, "%s ends in time", process_name(process));
		process_kill(process);
		process_join(process, PROCESS_FOREVER);
	}
	int status = process_exit_status(process);
	process_destroy(process);
	return status;
}

void lab_children_start(struct lab *lab, struct lab_children *children, unsigned count,
			lab_work work, void *shared)
{
	struct member member = { lab, work, shared, 0 };
	char name[PROCESS_NAME_SIZE];

	for (; member.number < count; member.number++) {
		if (children->count == LAB_CHILDREN_MAX) {
			bug("an experiment has more than %d children at once", LAB_CHILDREN_MAX);
		}
		snprintf(name, sizeof(name), "%s %u", lab->name, member.number + 1);
		children->members[children->count++] = lab_start(name, run_member, &member);
	}
}

void lab_children_join(struct lab *lab, struct lab_children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		int status = lab_finish(lab, children->members[i]);
		if (status != 0) {
			lab_expect(lab, false, "process %u ends well (it said %d)", i + 1, status);
		}
	}
	children->count = 0;
}

void lab_children_run(struct lab *lab, unsigned count, lab_work work, void *shared)
{
	struct lab_children children = { 0 };

	lab_children_start(lab, &children, count, work, shared);
	lab_children_join(lab, &children);
}

static bool find_field(FILE *file, const char *field, char *value)
{
	char line[256];
	size_t length = strlen(field);

	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, length) != 0 || line[length] != ':') {
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		const char *text = line + length + 1;
		snprintf(value, LAB_STATUS_SIZE, "%.*s", LAB_STATUS_SIZE - 1,
			 text + strspn(text, " \t"));
		return true;
	}
	return false;
}

bool lab_status(pid_t pid, const char *field, char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return false;
	}
	bool found = find_field(file, field, value);
	fclose(file);
	return found;
}

void lab_raise(_Atomic unsigned *most, unsigned value)
{
	unsigned now = atomic_load(most);

	while (value > now && !atomic_compare_exchange_weak(most, &now, value)) {
		;
	}
}

bool lab_eventually(bool (*true_yet)(void *context), void *context)
{
	int64_t deadline_ns = clock_deadline(LAB_PATIENCE_NS);

	while (!true_yet(context)) {
		if (clock_monotonic_ns() >= deadline_ns) {
			return false;
		}
		clock_sleep(NS_PER_MS);
	}
	return true;
}
