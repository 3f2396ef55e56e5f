/* How a child comes to be: what it has of its parent's memory, and who its parent is. */
#include <stdio.h>
#include <unistd.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"
#include "shared/process/pipe.h"

#define NUMBER_SIZE 16 /* bytes of a descriptor's number */

/* What every child tells us of itself. */
struct birth {
	pid_t pid;
	pid_t parent;
	int value;
};

/* 1 in the program; the parent changes it as it goes. */
static int value = 1;

static int tell(int end)
{
	const struct birth birth = { getpid(), getppid(), value };

	return pipe_send(end, &birth, sizeof(birth), LAB_PATIENCE_NS) == PIPE_DONE ? 0 : 1;
}

int lab_spawned(int descriptor)
{
	return tell(descriptor);
}

static void open_pipe(int ends[2])
{
	if (!pipe_open(ends)) {
		die("cannot make a pipe: %m");
	}
}

/* Reads what the child tells, and closes our end; all 0 when nothing came. */
static struct birth hear(int end)
{
	struct birth birth = { 0 };
	size_t length;

	if (pipe_receive(end, &birth, sizeof(birth), &length, LAB_PATIENCE_NS) != PIPE_DONE) {
		birth = (struct birth){ 0 };
	}
	pipe_close(end);
	return birth;
}

static int tell_in_a_fork(void *argument)
{
	return tell(*(int *)argument);
}

static struct birth try_fork(struct lab *lab)
{
	int ends[2];

	open_pipe(ends);
	struct process *process = lab_start("forked", tell_in_a_fork, &ends[1]);
	pipe_close(ends[1]);
	struct birth birth = hear(ends[0]);
	lab_finish(lab, process);
	return birth;
}

/* We are started anew, from the file; all that the child has of ours is one descriptor. */
static struct birth try_spawn(struct lab *lab)
{
	char program[] = "/proc/self/exe", name[] = "lab", option[] = "--spawned";
	char number[NUMBER_SIZE];
	char *argv[] = { program, name, option, number, NULL };
	int ends[2];

	open_pipe(ends);
	const struct process_options options = {
		.name = "spawned", .daemon = true, .keep = &ends[1], .keep_count = 1
	};
	snprintf(number, sizeof(number), "%d", ends[1]);
	struct process *process = process_run(&options, argv);
	if (!process) {
		die("cannot start a process: %m");
	}
	pipe_close(ends[1]);
	struct birth birth = hear(ends[0]);
	lab_finish(lab, process);
	return birth;
}

/* The fork server */

/* Forks a child that tells over the descriptor which came with the request. */
static void serve_request(struct channel_message *request)
{
	const struct process_options options = { .name = "served", .daemon = true };

	if (request->descriptor_count != 1) {
		return;
	}
	struct process *process = process_start(&options, tell_in_a_fork, &request->descriptors[0]);
	close(request->descriptors[0]);
	if (process) {
		process_join(process, LAB_PATIENCE_NS);
	}
	process_destroy(process);
}

/* Until the other end is closed. */
static int serve_forks(void *argument)
{
	const int *ends = argument;
	static struct channel_message request;

	pipe_close(ends[0]);
	while (pipe_poll(ends[1], LAB_PATIENCE_NS)) {
		if (channel_receive(ends[1], &request) != CHANNEL_OK) {
			return 0;
		}
		serve_request(&request);
	}
	return 1;
}

static struct birth ask_server(int server)
{
	int ends[2];

	open_pipe(ends);
	if (channel_send(server, "fork", 4, &ends[1], 1) != CHANNEL_OK) {
		die("cannot send to the fork server: %m");
	}
	/* Ours may be closed once the other has its own: when it has answered. */
	struct birth birth = hear(ends[0]);
	pipe_close(ends[1]);
	return birth;
}

static void show(struct lab *lab, const char *method, struct birth birth)
{
	lab_show(lab, method, "value %d   pid %d, parent %d", birth.value, (int)birth.pid,
		 (int)birth.parent);
}

static void check(struct lab *lab, struct birth forked, struct birth spawned, struct birth served,
		  pid_t server)
{
	lab_expect(lab, forked.parent == getpid() && forked.value == 3,
		   "fork: a copy of us as we are now");
	lab_expect(lab, spawned.parent == getpid() && spawned.value == 1,
		   "spawn: our child, but the program begins anew");
	lab_expect(lab, served.parent == server && served.value == 2,
		   "fork server: its child, and a copy of what it was when it started");
}

/*
 * start-methods. Python: multiprocessing.set_start_method("fork"), "spawn" and "forkserver"; with
 * the last two a child sees no global that the parent set, and arguments must be pickled.
 */
void lab_start_methods(struct lab *lab)
{
	int ends[2];

	lab_say(lab,
		"A variable is 1 in the program, 2 when we start the fork server, and 3 from then");
	lab_say(lab,
		"on. What does a child find in it? The server's child gets the descriptor over");
	lab_say(lab, "which it answers through the server's channel.");
	open_pipe(ends);
	value = 2;
	struct process *server = lab_start("fork-server", serve_forks, ends);
	pipe_close(ends[1]);
	value = 3;
	lab_show(lab, "we", "value %d   pid %d", value, (int)getpid());
	lab_show(lab, "the fork server", "value %d   pid %d", 2, (int)process_pid(server));
	struct birth forked = try_fork(lab);
	show(lab, "by fork", forked);
	struct birth spawned = try_spawn(lab);
	show(lab, "by spawn (fork and exec)", spawned);
	struct birth served = ask_server(ends[0]);
	show(lab, "by the fork server", served);
	check(lab, forked, spawned, served, process_pid(server));
	pipe_close(ends[0]);
	lab_expect(lab, lab_finish(lab, server) == 0,
		   "the server ends when nobody can ask any more");
}
