/*
 * A disk that is full, or a limit of a file's size: sales are refused, chat goes on, and so do
 * sales when there is room again.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/open.h"
#include "tests/programs/buyer.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;
static char disk[FOLDER_PATH_SIZE], filler[FOLDER_PATH_SIZE];
static struct talk talk, other;
static struct buyer buyer;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	struct folder folder = server.folder;

	server.folder.path[0] = '\0'; /* what is mounted there goes first */
	turnstiled_finish(&server);
	umount2(disk, MNT_DETACH);
	folder_finish(&folder);
}

TestSuite(programs_store_faults, .init = init, .fini = finish, .timeout = 60);

/* A small disk that only this test's processes see. */
static void mount_disk(void)
{
	folder_file(&server.folder, "disk", disk);
	folder_file(&server.folder, "disk/filler", filler);
	cr_assert_eq(mkdir(disk, 0700), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", disk, "tmpfs", 0, "size=16m") != 0) {
		cr_skip_test("nobody but root can mount a disk here");
	}
}

static void fill_disk(void)
{
	static const char bytes[4096];
	int file = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	cr_assert_geq(file, 0);
	while (write(file, bytes, sizeof(bytes)) > 0) {
		;
	}
	cr_assert_eq(errno, ENOSPC);
	close(file);
}

static void start(const char *kind)
{
	mount_disk();
	turnstiled_start(&server, "--workers", "2", "--store",
			 store_url(&server, kind, "disk/store"), "--event", "rush=100000");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	ask(&talk, "+join #r ", "/join #r");
	ask(&other, "+join #r ", "/join #r");
	buyer_open(&buyer, server.lines_port, 0, "rush", "k");
}

/* Asks until one is refused since the disk is full. */
static void buy_until_refused(void)
{
	while (buyer.failed == 0 && buyer.asked < BUYER_MAX) {
		buyer_ask(&buyer, 1);
		cr_assert(eventually(buyer_heard(&buyer)));
		cr_assert(!buyer.gone, "the worker died");
	}
	cr_assert_eq(buyer.failed, 1);
}

static bool can_buy(void)
{
	talk_say(&other, "/book rush");
	const char *line = talk_expect_answer(&other, "");
	cr_assert(line[0] == '+' || strncmp(line, "-INTERNAL ", 10) == 0, "'%s'", line);
	return line[0] == '+';
}

static void fill_and_make_room(const char *kind)
{
	start(kind);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	fill_disk();
	buy_until_refused();
	ask(&talk, "-INTERNAL ", "/book rush key=a-good-long-key-again");
	ask(&talk, "-INTERNAL ", "/hold rush");
	talk_say(&talk, "no room, but there is talk");
	talk_expect_event(&other, "*say #r ");

	cr_assert_eq(unlink(filler), 0);
	cr_assert(eventually(can_buy()), "sales do not go on");
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-again");
	cr_expect(buyer_has_tickets(&buyer, &talk), "a sale is lost");
	cr_expect(adds_up(&talk, "rush"));
	turnstiled_kill(&server);

	turnstiled_start(&server, "--workers", "2", "--store",
			 store_url(&server, kind, "disk/store"));
	talk_open_greeted(&talk, server.lines_port);
	cr_expect(buyer_has_tickets(&buyer, &talk), "a sale is lost");
	cr_expect(adds_up(&talk, "rush"));
}

Test(programs_store_faults, a_full_disk_refuses_sales_until_there_is_room_sqlite)
{
	fill_and_make_room("sqlite");
}

Test(programs_store_faults, a_full_disk_refuses_sales_until_there_is_room_json)
{
	fill_and_make_room("json");
}

static int held_of(struct talk *asker)
{
	int held = -1;

	sscanf(ask(asker, "+audit ", "/audit rush"), "+audit rush %*d %d", &held);
	return held;
}

/* Somebody's connection ends who holds tickets tied to it, and the store cannot note it. */
static void leave_while_the_disk_is_full(const char *hold)
{
	static struct talk tied;

	start("sqlite");
	open_on(&tied, server.lines_port, 1);
	ask(&tied, "+held ", "%s", hold);
	fill_disk();
	buy_until_refused();
	talk_close(&tied);
	cr_assert(eventually(stat_of(&talk, "turnstile_connections") == 3));
	ask(&talk, "-INTERNAL ", "/book rush"); /* behind it on the same queue */
}

/* There is room again: ASKER sees sales go on, and the hold gone. */
static void expect_released(struct talk *asker)
{
	cr_assert_eq(unlink(filler), 0);
	cr_assert(eventually(can_buy()), "sales do not go on");
	cr_expect(eventually(held_of(asker) == 0), "the hold stays");
	cr_expect(adds_up(asker, "rush"));
}

Test(programs_store_faults, a_tied_hold_goes_also_when_the_disk_was_full_at_its_connections_end)
{
	leave_while_the_disk_is_full("/hold rush 5 tied");
	expect_released(&talk);
}

Test(programs_store_faults, a_tied_hold_goes_also_when_its_worker_died_while_the_disk_was_full)
{
	pid_t pid;

	leave_while_the_disk_is_full("/hold rush 5 tied ttl=3600");
	cr_assert_eq(serving(&talk, &pid), 1);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	expect_released(&other);
}

/* So often a line of the log has TEXT in it. */
static unsigned log_count(const char *text)
{
	char path[FOLDER_PATH_SIZE], line[1024];
	unsigned count = 0;

	folder_file(&server.folder, "log", path);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		count += strstr(line, text) != NULL;
	}
	fclose(file);
	return count;
}

/* A hold that should lapse meanwhile is a reason to try again and again. */
static void fill_disk_while_a_hold_lapses(void)
{
	start("sqlite");
	ask(&talk, "+held ", "/hold rush ttl=1");
	fill_disk();
	buy_until_refused();
}

Test(programs_store_faults, the_log_says_once_that_the_disk_is_full_and_once_that_it_is_over)
{
	fill_disk_while_a_hold_lapses();
	for (int i = 0; i < 10; i++) {
		ask(&talk, "-INTERNAL ", "/book rush");
		ask(&other, "-INTERNAL ", "/book rush");
	}
	cr_assert_eq(unlink(filler), 0);
	cr_assert(eventually(can_buy()), "sales do not go on");
	cr_assert(eventually(log_has(&server, "the store works again")));
	unsigned begun = log_count("the store failed");
	cr_expect(begun == 1 || begun == 2, "%u lines of one trouble, with two clerks", begun);
	cr_expect_leq(log_count("the store works again"), begun);
}

/* There nobody has the store open meanwhile, and no child can open it. */
Test(programs_store_faults, joined_bookings_wait_until_there_is_room_on_the_disk)
{
	mount_disk();
	turnstiled_start(&server, "--workers", "2", "--serialize", "join", "--store",
			 store_url(&server, "sqlite", "disk/store"), "--event", "rush=100000");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	fill_disk();
	talk_say(&talk, "/book rush");
	cr_assert(eventually(log_has(&server, "the store failed")));
	ask(&other, "+pong", "/ping");
	cr_assert_eq(unlink(filler), 0);
	talk_expect_answer(&talk, "+booked ");
	cr_expect(eventually(log_has(&server, "the store works again")));
	cr_expect(adds_up(&talk, "rush"));
}

/* It pauses for up to a second then: being told to stop ends that. */
Test(programs_store_faults, a_server_stops_while_the_disk_is_full)
{
	fill_disk_while_a_hold_lapses();
	for (int i = 0; i < 10; i++) {
		ask(&talk, "-INTERNAL ", "/book rush");
	}
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* Workers that start while it is full, too. */
Test(programs_store_faults, workers_killed_while_the_disk_is_full_come_back)
{
	static struct talk late;
	pid_t children[WATCH_CHILDREN_MAX];

	start("sqlite");
	fill_disk();
	buy_until_refused();
	size_t count = watch_children(server.pid, children);
	for (size_t i = 0; i < count; i++) {
		cr_assert(watch_signal(server.pid, children[i], SIGKILL));
	}
	cr_assert_eq(unlink(filler), 0);
	talk_open_greeted(&late, server.lines_port);
	ask(&late, "+booked ", "/book rush");
	cr_expect(buyer_has_tickets(&buyer, &late), "a sale is lost");
	cr_expect(adds_up(&late, "rush"));
}

/* Files as large as the server may make them (ulimit -f). */

#define SMALL_FILE \
	4096 /* bytes: a write-ahead log with one page is larger, the server's log is not */

static void limit_files_of(pid_t pid, rlim_t bytes)
{
	struct rlimit limit;

	cr_assert_eq(prlimit(pid, RLIMIT_FSIZE, NULL, &limit), 0);
	limit.rlim_cur = bytes;
	cr_assert_eq(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* As if they had grown up to the limit meanwhile. */
static void limit_files(rlim_t bytes)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	limit_files_of(server.pid, bytes);
	for (size_t i = 0; i < count; i++) {
		limit_files_of(children[i], bytes);
	}
}

static void sell_up_to_the_limit(const char *kind)
{
	pid_t before[WATCH_CHILDREN_MAX], after[WATCH_CHILDREN_MAX];

	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--event", "rush=100000");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	buyer_open(&buyer, server.lines_port, 0, "rush", "k");
	size_t count = watch_children(server.pid, before);
	limit_files(SMALL_FILE);
	buy_until_refused();
	ask(&talk, "-INTERNAL ", "/book rush key=a-good-long-key-again");
	ask(&talk, "+pong", "/ping");
	limit_files(RLIM_INFINITY);
	cr_assert(eventually(can_buy()), "sales do not go on");
	cr_assert_eq(watch_children(server.pid, after), count);
	cr_expect_arr_eq(after, before, count * sizeof(*before), "a worker died");
	cr_expect(buyer_has_tickets(&buyer, &talk), "a sale is lost");
	cr_expect(adds_up(&talk, "rush"));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_store_faults, a_file_at_its_size_limit_is_a_full_disk_and_no_death_sqlite)
{
	sell_up_to_the_limit("sqlite");
}

Test(programs_store_faults, a_file_at_its_size_limit_is_a_full_disk_and_no_death_json)
{
	sell_up_to_the_limit("json");
}

/* Only what was committed counts as kept. */
Test(programs_store_faults, a_ban_that_could_not_be_written_is_written_when_there_is_room)
{
	turnstiled_start(&server, "--workers", "1", "--op-password-file", password_file(&server));
	talk_open_greeted(&talk, server.lines_port);
	become_operator(&talk);
	limit_files(SMALL_FILE);
	ask(&talk, "+ban 127.0.0.0/8 100$", "/ban 127.0.0.0/8 100");
	cr_assert(eventually(log_has(&server, "the store failed")));
	limit_files(RLIM_INFINITY);
	cr_assert(eventually(log_has(&server, "the store works again")));
	clock_sleep(2 * NS_PER_SECOND); /* a crash costs the last second */
	turnstiled_kill(&server);
	turnstiled_start(&server, "--workers", "1");
	talk_open(&other, server.lines_port);
	talk_expect_start(&other, "-DENIED ");
}

#ifdef FAILING_DISK

/* Syncs that fail, by tests/prove/disk.c */

#define EACH 1000 /* of a thousand */

/* As tests/prove/disk.c has it. */
static struct {
	uint32_t full, write_fails;
	_Atomic uint32_t sync_fails;
	uint32_t sync_us;
	uint64_t seed, calls;
} * state_of_disk;

static void load_disk(void)
{
	(void)setenv("LD_PRELOAD", FAILING_DISK, 1);
	(void)setenv("TURNSTILE_DISK", disk, 1);
}

static void start_on_failing_disk(const char *kind)
{
	folder_file(&server.folder, "state-of-disk", disk);
	int file = open(disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_eq(ftruncate(file, sizeof(*state_of_disk)), 0);
	state_of_disk =
		mmap(NULL, sizeof(*state_of_disk), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	cr_assert_neq(state_of_disk, MAP_FAILED);
	close(file);
	server.before_exec = load_disk;
	turnstiled_start(&server, "--workers", "1", "--store", store_url(&server, kind, "store"),
			 "--event", "rush=1000");
	talk_open_greeted(&talk, server.lines_port);
}

/*
 * Once somebody was answered: a clerk has the store's lock until it has also written chat, which it
 * does at once after its start (the event's room is new). A sync that failed there is no commit's.
 */
static void wait_for_the_clerk(const char *kind)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(store_url(&server, kind, "store"), error);

	cr_assert_not_null(store, "%s", error);
	store_close(store);
}

/* ANSWER is what is known of it then; asking again tells the rest. */
static void fail_a_commit(const char *kind, const char *answer)
{
	start_on_failing_disk(kind);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	wait_for_the_clerk(kind);
	state_of_disk->sync_fails = EACH;
	ask(&talk, answer, "/book rush key=a-good-long-key-again");
	ask(&talk, "+pong", "/ping");
	state_of_disk->sync_fails = 0;
	for (bool booked = false; !booked;) {
		talk_say(&talk, "/book rush key=a-good-long-key-again");
		booked = talk_expect_answer(&talk, "")[0] == '+';
	}
	ask(&talk, "+left rush 998 1000", "/left rush");
	cr_expect(adds_up(&talk, "rush"));
}

Test(programs_store_faults, a_commit_whose_sync_fails_is_answered_as_interrupted)
{
	fail_a_commit("sqlite", "-INTERRUPTED ");
}

/* There the file has not its name yet when it is synced. */
Test(programs_store_faults, a_json_store_whose_sync_fails_is_what_it_was)
{
	fail_a_commit("json", "-INTERNAL ");
}

#define SLOW_SYNC_US 500000 /* at most, by lot */
#define BOOKERS      3

/* Books, and as soon as that is answered once more. */
struct booker {
	struct talk talk;
	pthread_t thread;
	_Atomic bool *stops;
	bool refused;
};

static void *book_on_and_on(void *argument)
{
	static const char line[] = "/book rush\n";
	struct booker *booker = argument;
	const int socket = booker->talk.descriptor;
	char answer[128];

	while (!*booker->stops && !booker->refused) {
		ssize_t got = 0;

		booker->refused = send(socket, line, strlen(line), MSG_NOSIGNAL) < 0;
		do {
			ssize_t more = recv(socket, answer + got, sizeof(answer) - (size_t)got, 0);

			booker->refused |= more <= 0;
			got += more;
		} while (!booker->refused && answer[got - 1] != '\n');
		booker->refused |= strncmp(answer, "+booked ", 8) != 0;
	}
	return NULL;
}

static void let_them_book(struct booker *bookers, _Atomic bool *stops)
{
	for (int i = 0; i < BOOKERS; i++) {
		bookers[i].stops = stops;
		talk_open_greeted(&bookers[i].talk, server.lines_port);
		cr_assert_eq(pthread_create(&bookers[i].thread, NULL, book_on_and_on, &bookers[i]),
			     0);
	}
	state_of_disk->sync_us = SLOW_SYNC_US;
}

/*
 * There is always a request more, so the lock would never be free; and what is being synced when
 * the workers let go has to be settled first: who took over could not tell what became of it.
 */
Test(programs_store_faults, an_upgrade_comes_through_a_rush_on_a_slow_disk, .timeout = 120)
{
	static struct booker bookers[BOOKERS];
	static _Atomic bool stops;

	start_on_failing_disk("sqlite");
	let_them_book(bookers, &stops);
	for (int i = 0; i < 3; i++) {
		turnstiled_upgrade(&server);
	}
	stops = true;
	for (int i = 0; i < BOOKERS; i++) {
		pthread_join(bookers[i].thread, NULL);
		cr_expect_not(bookers[i].refused);
	}
	cr_expect_not(log_has(&server, "not upgraded"));
	cr_expect(adds_up(&talk, "rush"));
}

#endif
