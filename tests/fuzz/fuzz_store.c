/*
 * A JSON store's file that somebody wrote, with which a server starts: it is refused, or what
 * people are told of it is whole lines of the protocol without terminal tricks.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/open.h"
#include "server/booking/board.h"
#include "server/chat/archive.h"
#include "server/lines/lines.h"
#include "server/process/core.h"
#include "server/session/session.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_SIZE (1 << 18)
#define LINE_MOST   4096 /* bytes from the server: fewer */
#define TURNS       4

static char folder[] = "fuzz-XXXXXX"; /* where it was started */
static char path[sizeof(folder) + 16], lock_path[sizeof(path) + 8], url[sizeof(path) + 8];
static struct options options = {
	.workers = 1, .max_connections = 4, .history = 10, .send_queue_bytes = OUTPUT_SIZE
};
static struct shared_state shared;
static struct core core;

/* A model is large and mostly untouched: to poison it costs more than all else. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "poison_heap=0";
}

static const char questions[] = "/events\n/rooms\n/join #go\n/topic #go\n/history #go 10\n"
				"/history #go 10\n/who #go\n/left gala\n/leave #go\n";

static void remove_folder(void)
{
	unlink(path);
	unlink(lock_path);
	rmdir(folder);
}

static void make_folder(void)
{
	if (!mkdtemp(folder)) {
		abort();
	}
	(void)atexit(remove_folder);
	(void)snprintf(path, sizeof(path), "%s/s.json", folder);
	(void)snprintf(lock_path, sizeof(lock_path), "%s-lock", path);
	(void)snprintf(url, sizeof(url), "json:%s", path);
	shared_state_init(&shared, &options);
	core_init(&core, &shared, 0);
	core.turn.base = event_base_new();
}

static void write_file(const uint8_t *data, size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || write(file, data, size) != (ssize_t)size) {
		abort();
	}
	close(file);
}

/* As the master does before it starts anybody; false when it would not start. */
static bool start_up(void)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(url, error);

	if (!store) {
		return false;
	}
	if (!store_take(store, 0)) {
		abort();
	}
	atomic_store(&shared.board->count, 0);
	board_fill(store, shared.board);
	(void)archive_restore(&shared, store);
	store_give(store);
	store_close(store);
	return true;
}

static void check_output(int client)
{
	static char output[OUTPUT_SIZE];
	ssize_t length = read(client, output, sizeof(output));

	for (ssize_t at = 0; at < length;) {
		const char *end = memchr(output + at, '\n', (size_t)(length - at));

		if (!end || end - (output + at) >= LINE_MOST || !memchr("+-=*", output[at], 4) ||
		    !text_is_clean(output + at, (size_t)(end - (output + at)))) {
			abort();
		}
		at = end - output + 1;
	}
}

static void run_turns(void)
{
	for (int i = 0; i < TURNS; i++) {
		turn_forget_time(&core.turn);
		(void)event_base_loop(core.turn.base, EVLOOP_NONBLOCK);
		core_turn(&core);
	}
}

static void ask(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		abort();
	}
	(void)session_open(&core.turn, &lines_front,
			   &(struct session_socket){ .descriptor = ends[0] });
	(void)!write(ends[1], questions, sizeof(questions) - 1);
	run_turns();
	check_output(ends[1]);
	close(ends[1]);
	run_turns();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!core.turn.base) {
		make_folder();
	}
	write_file(data, size);
	if (start_up()) {
		ask();
	}
	return 0;
}
