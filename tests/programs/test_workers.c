/* Workers that die, hang or are many; the master that outlives them or does not. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_workers, .init = init, .fini = finish, .timeout = 120);

static size_t living_workers(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	return count - watch_zombies(server.pid);
}

/* Whether a new process serves the worker's place. */
static bool is_replaced(struct talk *asker, const char *nick, pid_t old)
{
	int pid = 0;

	talk_say(asker, "/where %s", nick);
	sscanf(talk_expect_answer(asker, "+where "), "+where %*s %*u %d", &pid);
	return pid != 0 && pid != old;
}

Test(programs_workers, a_killed_worker_leaves_no_zombie_and_another_takes_its_place)
{
	static struct talk here, there, after;
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--adopt", "off");
	open_on(&here, server.lines_port, 1);
	open_on(&there, server.lines_port, 2);
	serving(&there, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_expect_end(&there);
	cr_assert(eventually(watch_state(pid) == '\0' && living_workers() == 2));
	cr_expect_eq(watch_zombies(server.pid), 0);
	open_on(&after, server.lines_port, 2);
	cr_expect(is_replaced(&after, "", pid));
	talk_ask(&here, "/ping still here", "+pong still here");
	talk_close(&here);
	talk_close(&after);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, all_workers_killed_at_once_come_back)
{
	pid_t children[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "4");
	size_t count = watch_children(server.pid, children);
	cr_assert_eq(count, 4);
	for (size_t i = 0; i < count; i++) {
		cr_assert(watch_signal(server.pid, children[i], SIGKILL));
	}
	for (size_t i = 0; i < count; i++) {
		cr_assert(eventually(watch_state(children[i]) == '\0'));
	}
	wait_for_workers(server.lines_port, 4);
	cr_expect_eq(watch_zombies(server.pid), 0);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, a_worker_that_hangs_is_killed_and_replaced)
{
	static struct talk talk, after;
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--adopt", "off");
	open_on(&talk, server.lines_port, 1);
	serving(&talk, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	talk_expect_end(&talk);
	cr_assert(eventually(living_workers() == 2 && watch_state(pid) == '\0'));
	open_on(&after, server.lines_port, 1);
	cr_expect(is_replaced(&after, "", pid));
	talk_close(&after);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* Kills the worker while it holds it as a debugger, and lets go when the master has heard of it. */
static int kill_as_debugger(void *argument)
{
	static struct talk talk;
	const pid_t pid = *(const pid_t *)argument;
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) {
		return CHILD_UNTRACEABLE & 0xff;
	}
	child_check(kill(pid, SIGKILL) == 0 && poll(&end, 1, -1) == 1);
	talk_open_greeted(&talk, server.lines_port); /* the master's turn after it */
	return 0;
}

Test(programs_workers, one_that_ended_under_a_debugger_is_replaced_when_that_is_gone)
{
	pid_t children[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "2", "--sandbox", "off");
	cr_assert(eventually(watch_children(server.pid, children) == 2));
	int status = child_run(kill_as_debugger, &children[0]);

	if (status == (CHILD_UNTRACEABLE & 0xff)) {
		return; /* the system lets nobody trace */
	}
	cr_assert_eq(status, 0);
	cr_assert(eventually(watch_state(children[0]) == '\0' && living_workers() == 2));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, no_worker_outlives_a_killed_master_and_the_next_start_just_works)
{
	static struct talk talk;

	turnstiled_start(&server, "--workers", "4", "--event", "rush=5");
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/book rush 2 key=a-good-long-key-a", "+booked ");
	turnstiled_kill(&server); /* fails when a worker is left */
	talk_expect_end(&talk);

	turnstiled_start(&server, "--workers", "4");
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", "+left rush 3 5");
	talk_ask(&talk, "/book rush 2 key=a-good-long-key-a", "+booked ");
	talk_ask(&talk, "/left rush", "+left rush 3 5");
	talk_close(&talk);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* Connections while workers die */

enum fate { FATE_WAITING, FATE_GREETED, FATE_ANSWERED, FATE_ENDED };

struct caller {
	int socket;
	enum fate fate;
	size_t length;
	char bytes[512];
};

static void call(struct caller *caller)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(server.lines_port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memset(caller, 0, sizeof(*caller));
	caller->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(caller->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(caller->socket, F_SETFL, O_NONBLOCK);
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++) {
		count++;
	}
	return count;
}

/* Greeted once, then answered; or ended at any point. Anything else fails. */
static void look_at(struct caller *caller)
{
	cr_assert_leq(count_of(caller->bytes, "+turnstile"), 1, "greeted twice: %s", caller->bytes);
	cr_assert_leq(count_of(caller->bytes, "+pong"), 1, "answered twice: %s", caller->bytes);
	if (caller->fate == FATE_WAITING && strchr(caller->bytes, '\n')) {
		cr_assert_eq(strncmp(caller->bytes, "+turnstile 1 ", 13), 0, "%s", caller->bytes);
		caller->fate = FATE_GREETED;
		send(caller->socket, "/ping\n", 6, MSG_NOSIGNAL);
	}
	if (caller->fate == FATE_GREETED && strstr(caller->bytes, "+pong\n")) {
		caller->fate = FATE_ANSWERED;
	}
}

/* Reads what there is; false when nothing more is to be waited for. */
static bool listen_to(struct caller *caller)
{
	ssize_t count;

	while (caller->fate < FATE_ANSWERED) {
		count = recv(caller->socket, caller->bytes + caller->length,
			     sizeof(caller->bytes) - 1 - caller->length, 0);
		if (count < 0 && errno == EAGAIN) {
			return true;
		}
		if (count <= 0) {
			caller->fate = FATE_ENDED;
			break;
		}
		caller->length += (size_t)count;
		look_at(caller);
	}
	return false;
}

#define CALLERS 60

static bool all_heard(struct caller *callers)
{
	bool waiting = false;

	for (int i = 0; i < CALLERS; i++) {
		waiting |= listen_to(&callers[i]);
	}
	return !waiting;
}

/* Long enough for one of four to begin with what its predecessor left. */
#ifdef __SANITIZE_ADDRESS__
#define KILL_PAUSE_NS (200 * NS_PER_MS)
#else
#define KILL_PAUSE_NS (20 * NS_PER_MS)
#endif

/* Rounds of connections while workers are killed: none may hang. */
static void call_while_workers_die(const char *dispatch)
{
	static struct caller callers[CALLERS];
	struct killer killer;
	unsigned answered = 0;

	turnstiled_start(&server, "--workers", "4", "--dispatch", dispatch);
	killer_start(&killer, server.pid, KILL_PAUSE_NS);
	while (killer.kills < 40) {
		for (int i = 0; i < CALLERS; i++) {
			call(&callers[i]);
		}
		cr_assert(eventually(all_heard(callers)), "a connection hangs");
		for (int i = 0; i < CALLERS; i++) {
			answered += callers[i].fate == FATE_ANSWERED;
			close(callers[i].socket);
		}
	}
	killer_stop(&killer);
	cr_expect_gt(answered, 0);
	wait_for_workers(server.lines_port, 4);
	cr_expect_eq(watch_zombies(server.pid), 0);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, every_connection_handed_over_while_workers_die_is_greeted_once_or_ended)
{
	call_while_workers_die("handoff");
}

Test(programs_workers, every_connection_accepted_while_workers_die_is_greeted_once_or_ended)
{
	call_while_workers_die("accept");
}

/* Descriptors */

#define CONNECTS 5000
/* By each worker: the file of the store's lock, when it first looks who else serves the store. */
#define OPENED_LATER 1

static size_t descriptors_of_all(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);
	size_t descriptors = watch_descriptors(server.pid);

	for (size_t i = 0; i < count; i++) {
		descriptors += watch_descriptors(children[i]);
	}
	return descriptors;
}

/* Some are greeted, some end at once, some end with input unread. */
static void connect_and_close(void)
{
	struct talk talk;

	for (int i = 0; i < CONNECTS; i++) {
		talk_open(&talk, i % 8 == 7 ? server.echo_port : server.lines_port);
		if (i % 4 == 0) {
			talk_expect_start(&talk, "+turnstile 1 ");
		}
		if (i % 2 == 0) {
			talk_say(&talk, "/join #room");
		}
		talk_close(&talk);
	}
}

static void descriptors_return(const char *dispatch)
{
	static struct talk asker;

	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch);
	wait_for_workers(server.lines_port, 2);
	talk_open_greeted(&asker, server.lines_port);
	cr_assert(eventually(stat_of(&asker, "turnstile_connections") == 1));
	size_t before = descriptors_of_all() + 2 * OPENED_LATER;
	connect_and_close();
	cr_assert(eventually(stat_of(&asker, "turnstile_connections") == 1));
	cr_expect(eventually(descriptors_of_all() <= before), "%zu descriptors became %zu", before,
		  descriptors_of_all());
	talk_close(&asker);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, descriptors_are_where_they_were_after_many_handed_connections)
{
	descriptors_return("handoff");
}

Test(programs_workers, descriptors_are_where_they_were_after_many_accepted_connections)
{
	descriptors_return("accept");
}

/* The server's processes may have no more than what they have and a few. */
static void limit_descriptors(pid_t pid, size_t more)
{
	struct rlimit limit;

	cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = watch_descriptors(pid) + more;
	cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void limit_all_descriptors(size_t more)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	limit_descriptors(server.pid, more);
	for (size_t i = 0; i < count; i++) {
		limit_descriptors(children[i], more);
	}
}

static long ticks_of_all(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);
	long ticks = watch_ticks(server.pid);

	for (size_t i = 0; i < count; i++) {
		ticks += watch_ticks(children[i]);
	}
	return ticks;
}

/* Whether a new connection is let in: while none are left, it may be told so. */
static bool lets_in(void)
{
	static struct talk talk;

	talk_open(&talk, server.lines_port);
	bool in = strncmp(talk_line(&talk), "+turnstile 1 ", 13) == 0;
	talk_close(&talk);
	return in;
}

#define DESCRIPTORS_LEFT 10
#define OVER             60 /* connections, more than the processes have descriptors for */

/*
 * Out of descriptors for a second: who is there is served on, and the processor stays idle (a loop
 * that is busy would take a hundred ticks); when some are free again, so is the way in.
 */
static void survive_a_lack_of_descriptors(const char *dispatch)
{
	static struct talk early, over[OVER];

	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch);
	talk_open_greeted(&early, server.lines_port);
	limit_all_descriptors(DESCRIPTORS_LEFT);
	for (int i = 0; i < OVER; i++) {
		talk_open(&over[i], server.lines_port);
	}
	long before = ticks_of_all();
	for (int i = 0; i < 20; i++) {
		talk_ask(&early, "/ping", "+pong");
		clock_sleep(50 * NS_PER_MS);
	}
	cr_expect_lt(ticks_of_all() - before, 50, "a loop is busy");
	for (int i = 0; i < OVER; i++) {
		talk_close(&over[i]);
	}
	cr_expect(eventually(lets_in()));
	talk_close(&early);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_workers, without_descriptors_for_the_master_who_is_there_is_served_on)
{
	survive_a_lack_of_descriptors("handoff");
}

Test(programs_workers, without_descriptors_for_accepting_workers_who_is_there_is_served_on)
{
	survive_a_lack_of_descriptors("accept");
}
