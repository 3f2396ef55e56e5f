/* Each role tries what it must not do. A child enters the role for good, as a process would. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/process/bind.h"
#include "server/sandbox/root.h"
#include "tests/support/child.h"
#include "tests/support/folder.h"

#define OTHER_USER           65534 /* nobody */
#define LANDLOCK_KNOWS_PORTS 4     /* since that version of it */
#define WITHOUT_PART         77    /* a child's status: this kernel or build lacks what is tried */

static struct folder folder;
static char store[FOLDER_PATH_SIZE];
static unsigned database_port; /* 0: the store is a file */
static unsigned bus_port;      /* 0: there is no bus */

static void init(void)
{
	folder_init(&folder);
	folder_file(&folder, "turnstile.db", store);
}

static void finish(void)
{
	folder_finish(&folder);
}

TestSuite(sandbox, .init = init, .fini = finish);

struct attempt {
	enum sandbox_role role;
	unsigned needs; /* enum sandbox_part: without it there is nothing to be tried */
	void (*act)(void);
};

static int enter_and_act(void *argument)
{
	const struct attempt *attempt = argument;
	const struct sandbox_paths paths = { .store = store,
					     .database = database_port != 0,
					     .port = database_port,
					     .bus_ports = { bus_port } };
	unsigned parts = sandbox_enter(attempt->role, &paths);

	if ((parts & attempt->needs) != attempt->needs) {
		return WITHOUT_PART;
	}
	attempt->act();
	return 0;
}

/* How a child ends that does ACT as ROLE: 0, or -SIGSYS when the filter ended it. */
static void expect_end(enum sandbox_role role, unsigned needs, void (*act)(void), int expected)
{
	struct attempt attempt = { role, needs, act };
	int status = child_run(enter_and_act, &attempt);

	if (status != WITHOUT_PART) {
		cr_expect_eq(status, expected, "role %d ended with %d, not %d", (int)role, status,
			     expected);
	}
}

static void expect_of_all(unsigned needs, void (*act)(void), int expected)
{
	for (enum sandbox_role role = SANDBOX_MASTER; role < SANDBOX_ROLES; role++) {
		expect_end(role, needs, act, expected);
	}
}

/* What ends whoever tries it. */

static void run_a_program(void)
{
	execl("/bin/true", "true", NULL);
}

static void trace_its_parent(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void mount_something(void)
{
	(void)mount("none", "/tmp", "tmpfs", 0, NULL);
}

static void become_root(void)
{
	(void)syscall(SYS_setresuid, 0, 0, 0);
}

static void take_groups(void)
{
	(void)setgroups(0, NULL);
}

static void change_its_root(void)
{
	(void)syscall(SYS_chroot, "/");
}

static void make_a_namespace(void)
{
	(void)unshare(CLONE_NEWUSER);
}

static void read_its_parents_memory(void)
{
	(void)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

Test(sandbox, nobody_lives_on_who_runs_a_program_traces_mounts_or_becomes_another)
{
	static void (*const deeds[])(
		void) = { run_a_program, trace_its_parent, mount_something,        become_root,
			  take_groups,   make_a_namespace, read_its_parents_memory };

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		expect_of_all(SANDBOX_FILTER, deeds[i], -SIGSYS);
	}
}

Test(sandbox, nobody_lives_on_who_changes_its_root_but_the_master)
{
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, change_its_root, -SIGSYS);
	expect_end(SANDBOX_TELLER, SANDBOX_FILTER, change_its_root, -SIGSYS);
	expect_end(SANDBOX_JOINER, SANDBOX_FILTER, change_its_root, -SIGSYS);
}

/* Files. */

static void open_others_files(void)
{
	char beside[FOLDER_PATH_SIZE + 8];

	snprintf(beside, sizeof(beside), "%s-guard", folder.path);
	child_check(open("/etc/passwd", O_RDONLY) < 0);
	child_check(open("/", O_RDONLY | O_DIRECTORY) < 0);
	child_check(open(beside, O_WRONLY | O_CREAT, 0600) < 0);
	child_check(open("/proc/self/oom_score_adj", O_WRONLY) < 0);
}

Test(sandbox, nobody_opens_a_file_that_is_not_the_stores)
{
	expect_of_all(SANDBOX_LANDLOCK, open_others_files, 0);
}

static void change_the_store(void)
{
	char fresh[FOLDER_PATH_SIZE];

	folder_file(&folder, "turnstile.db-fresh", fresh);
	int file = open(fresh, O_RDWR | O_CREAT, 0600);

	child_check(file >= 0);
	child_check(write(file, "x", 1) == 1 && fsync(file) == 0 && ftruncate(file, 0) == 0);
	child_check(rename(fresh, store) == 0);
	child_check(open(store, O_RDONLY) >= 0);
	child_check(unlink(store) == 0);
	child_check(open("/dev/null", O_RDONLY) >= 0);
	child_check(open("/proc/sys/kernel/random/boot_id", O_RDONLY) >= 0);
}

Test(sandbox, who_opens_the_store_changes_files_in_its_folder)
{
	expect_end(SANDBOX_MASTER, 0, change_the_store, 0);
	expect_end(SANDBOX_WORKER, 0, change_the_store, 0);
	expect_end(SANDBOX_JOINER, 0, change_the_store, 0);
}

static void fail_at_the_store(void)
{
	child_check(open(store, O_RDWR | O_CREAT, 0600) < 0);
	child_check(open(folder.path, O_RDONLY | O_DIRECTORY) < 0);
}

static void fail_to_write_at_all(void)
{
	child_check(open(store, O_RDWR | O_CREAT, 0600) < 0);
	child_check(open("/dev/null", O_WRONLY) < 0);
	child_check(unlink(store) < 0);
}

Test(sandbox, a_worker_without_a_clerk_cannot_reach_the_store)
{
	expect_end(SANDBOX_TELLER, SANDBOX_LANDLOCK, fail_at_the_store, 0);
	expect_end(SANDBOX_TELLER, SANDBOX_FILTER, fail_to_write_at_all, 0);
}

/* The root folder. Landlock lets everybody ask whether a file is there. */

static bool is_there(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

/* As a server that was started as root and became another user; elsewhere it has no such part. */
static int enter_as_another_and_act(void *argument)
{
	if (geteuid() != 0) {
		return WITHOUT_PART;
	}
	root_before_user();
	if (setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0) {
		return WITHOUT_PART;
	}
	root_after_user();
	return enter_and_act(argument);
}

static void expect_root(enum sandbox_role role, void (*act)(void))
{
	struct attempt attempt = { role, SANDBOX_ROOT, act };
	int status = child_run(enter_as_another_and_act, &attempt);

	cr_expect(status == 0 || (status == WITHOUT_PART && geteuid() != 0), "role %d: %d",
		  (int)role, status);
}

static void see_the_store_alone(void)
{
	child_check(is_there("/turnstile.db"));
	child_check(!is_there(store) && !is_there("/etc") && !is_there("/proc"));
}

static void see_nothing(void)
{
	struct stat here, above;

	child_check(!is_there("/turnstile.db") && !is_there("/etc") && !is_there("/proc"));
	child_check(stat("/", &here) == 0 && stat("/../..", &above) == 0);
	child_check(here.st_ino == above.st_ino && here.st_nlink == 0); /* it has no name */
	child_check(open("/x", O_WRONLY | O_CREAT, 0600) < 0);
}

Test(sandbox, started_as_root_who_opens_the_store_sees_its_folder_and_who_does_not_sees_nothing)
{
	int file = open(store, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert(file >= 0);
	close(file);
	cr_assert(geteuid() != 0 || chown(folder.path, OTHER_USER, OTHER_USER) == 0);
	expect_root(SANDBOX_WORKER, see_the_store_alone);
	expect_root(SANDBOX_JOINER, see_the_store_alone);
	expect_root(SANDBOX_TELLER, see_nothing);
}

/* Sockets, processes, memory. */

static void make_internet_sockets(void)
{
	child_check(socket(AF_INET, SOCK_STREAM, 0) < 0);
	child_check(socket(AF_INET6, SOCK_DGRAM, 0) < 0);
	child_check(socket(AF_NETLINK, SOCK_RAW, 0) < 0);
}

static void make_local_sockets(void)
{
	child_check(socket(AF_UNIX, SOCK_STREAM, 0) < 0);
}

/* A listener of the test's own, on a port that the system chose. */
static unsigned listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

static unsigned other_port;

static bool connects_to(unsigned port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connection >= 0 &&
	       connect(connection, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void reach_the_database(void)
{
	child_check(connects_to(database_port));
}

static void reach_something_else(void)
{
	child_check(!connects_to(other_port));
}

/* Where the kernel's Landlock knows of ports: of others the connecting is forbidden. */
Test(sandbox, who_opens_the_store_connects_to_its_database_alone)
{
	database_port = listen_somewhere();
	other_port = listen_somewhere();
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, reach_the_database, 0);
	expect_end(SANDBOX_JOINER, SANDBOX_FILTER, reach_the_database, 0);
	expect_end(SANDBOX_TELLER, SANDBOX_FILTER, make_internet_sockets, 0);
	expect_end(SANDBOX_TLS, SANDBOX_FILTER, make_internet_sockets, 0);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= LANDLOCK_KNOWS_PORTS) {
		expect_end(SANDBOX_WORKER, SANDBOX_LANDLOCK, reach_something_else, 0);
	}
}

Test(sandbox, nobody_makes_a_connection_of_its_own)
{
	expect_of_all(SANDBOX_FILTER, make_internet_sockets, 0);
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, make_local_sockets, 0);
	expect_end(SANDBOX_TELLER, SANDBOX_FILTER, make_local_sockets, 0);
	expect_end(SANDBOX_JOINER, SANDBOX_FILTER, make_local_sockets, 0);
}

static void make_a_pair(void)
{
	int ends[2];

	child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static void make_no_pair(void)
{
	int ends[2];

	child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0);
}

Test(sandbox, tls_makes_pairs_of_sockets_and_has_no_store)
{
	expect_end(SANDBOX_TLS, 0, make_a_pair, 0);
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, make_no_pair, 0);
	expect_end(SANDBOX_TLS, SANDBOX_LANDLOCK, fail_at_the_store, 0);
	expect_end(SANDBOX_TLS, SANDBOX_FILTER, fail_to_write_at_all, 0);
	expect_end(SANDBOX_TLS, SANDBOX_FILTER, make_local_sockets, 0);
}

static void start_and_kill_processes(void)
{
	child_check(fork() < 0);
	child_check(kill(getppid(), SIGCONT) < 0);
	child_check(syscall(SYS_tgkill, getppid(), getppid(), SIGCONT) < 0);
	child_check(setpriority(PRIO_PROCESS, 0, -1) < 0);
}

Test(sandbox, a_worker_starts_no_process_and_signals_no_other)
{
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, start_and_kill_processes, 0);
	expect_end(SANDBOX_TELLER, SANDBOX_FILTER, start_and_kill_processes, 0);
	expect_end(SANDBOX_TLS, SANDBOX_FILTER, start_and_kill_processes, 0);
}

static void write_and_run_memory(void)
{
	const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	child_check(page != MAP_FAILED);
	child_check(mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0);
	child_check(mmap(NULL, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

Test(sandbox, nobody_makes_code_of_what_it_wrote)
{
	expect_of_all(SANDBOX_FILTER, write_and_run_memory, 0);
}

static void *do_nothing(void *argument)
{
	return argument;
}

static void work_with_a_thread(void)
{
	pthread_t thread;

	child_check(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
	child_check(pthread_join(thread, NULL) == 0);
}

Test(sandbox, every_role_may_have_threads)
{
	expect_of_all(0, work_with_a_thread, 0);
}

static void start_a_narrower_one(void)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		(void)sandbox_enter(SANDBOX_WORKER, &(struct sandbox_paths){ .store = store });
		_exit(0);
	}
	child_check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

Test(sandbox, the_master_starts_processes_that_are_bound_further)
{
	expect_end(SANDBOX_MASTER, 0, start_a_narrower_one, 0);
}

/* What is said of it. */

static void look_at_dumps(void)
{
	struct rlimit cores = { 1, 1 };

	child_check(getrlimit(RLIMIT_CORE, &cores) == 0 && cores.rlim_max == 0);
	child_check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	child_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

Test(sandbox, no_core_is_written_and_no_privilege_gained)
{
	expect_end(SANDBOX_MASTER, SANDBOX_NO_NEW_PRIVILEGES | SANDBOX_NOT_DUMPABLE, look_at_dumps,
		   0);
}

static void abort_at_once(void)
{
	abort();
}

Test(sandbox, a_broken_promise_still_ends_its_process)
{
	expect_of_all(0, abort_at_once, -SIGABRT);
}

Test(sandbox, the_parts_in_force_have_names)
{
	char text[SANDBOX_TEXT_SIZE];

	cr_expect_str_eq(sandbox_text(0, text), "off");
	cr_expect_str_eq(sandbox_text(SANDBOX_FILTER, text), "filter");
	cr_expect_str_eq(sandbox_text(SANDBOX_NO_NEW_PRIVILEGES | SANDBOX_NOT_DUMPABLE |
					      SANDBOX_FILTER | SANDBOX_LANDLOCK,
				      text),
			 "no-new-privs,undumpable,filter,landlock");
}

static int bind_without(void *argument)
{
	struct options options = { .store = "sqlite:/nowhere/turnstile.db", .sandbox = false };

	(void)argument;
	child_check(bind_to_role(SANDBOX_WORKER, &options) == 0);
	child_check(open("/etc/passwd", O_RDONLY) >= 0);
	return 0;
}

Test(sandbox, switched_off_it_binds_nobody)
{
	cr_expect_eq(child_run(bind_without, NULL), 0);
}

/* The bus */

static void reach_the_bus(void)
{
	child_check(connects_to(bus_port));
}

Test(sandbox, the_bus_process_connects_to_the_bus_alone_and_has_no_store)
{
	bus_port = listen_somewhere();
	other_port = listen_somewhere();
	expect_end(SANDBOX_BUS, SANDBOX_FILTER, reach_the_bus, 0);
	expect_end(SANDBOX_BUS, 0, work_with_a_thread, 0);
	expect_end(SANDBOX_BUS, SANDBOX_LANDLOCK, fail_at_the_store, 0);
	expect_end(SANDBOX_BUS, SANDBOX_FILTER, fail_to_write_at_all, 0);
	expect_end(SANDBOX_BUS, SANDBOX_FILTER, start_and_kill_processes, 0);
	expect_end(SANDBOX_WORKER, SANDBOX_FILTER, make_internet_sockets, 0);
	expect_root(SANDBOX_BUS, see_nothing);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= LANDLOCK_KNOWS_PORTS) {
		expect_end(SANDBOX_BUS, SANDBOX_LANDLOCK, reach_something_else, 0);
	}
}
