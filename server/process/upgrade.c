#include "server/process/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "db/store/lock_file.h"
#include "server/process/handover.h"
#include "server/process/notify.h"
#include "server/snapshot/snapshot.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PREPARE_SECONDS 10   /* for the new one to be ready */
#define LET_GO_SECONDS  8    /* for all workers to let go */
#define TAKE_SECONDS    3    /* then, for the new one to take over: nobody is served meanwhile */
#define RETRY_US        1000 /* when the channel is full */
#define WHY_SIZE        160

enum upgrade_step {
	STEP_NONE,
	STEP_STARTED,  /* the new one is to say hello */
	STEP_WELCOMED, /* it is to say that it is ready */
	STEP_LETS_GO,  /* the workers are to end */
	STEP_WRITES,   /* the state is being written */
	STEP_SENDS,    /* the connections are being sent */
	STEP_OFFERED   /* the new one is to take over and serve */
};

struct upgrade {
	struct upgrade_owner owner;
	int file; /* with the state; -1: there is none to be had */
	enum upgrade_step step;
	int channel;
	pid_t pid;      /* the new one's, as it says */
	uint32_t minor; /* version, likewise */
	bool tls_held;  /* our tls process is the new one's, if that takes over */
	int64_t began_ns;
	struct handover_page *page;
	struct process *writer; /* waits for a word, and then writes the state */
	int go;                 /* descriptor of that word; -1: it is said */
	uint32_t worker, seat;  /* the next connection to be sent */
	size_t waiting;         /* likewise, of those that no worker has */
	uint32_t sent;          /* connections */
	struct event *channel_event;
	struct event *writer_event;
	struct event *send_event; /* goes on with sending, or with what is next when all ended */
	struct event *late_event;
};

/* Giving up */

static void let_write(struct upgrade *upgrade)
{
	if (upgrade->go >= 0) {
		close(upgrade->go);
		upgrade->go = -1;
	}
}

static void forget(struct upgrade *upgrade)
{
	event_del(upgrade->late_event);
	event_del(upgrade->send_event);
	if (upgrade->writer) {
		event_free(upgrade->writer_event);
		process_destroy(upgrade->writer);
		upgrade->writer = NULL;
	}
	let_write(upgrade);
	if (upgrade->channel >= 0) {
		event_free(upgrade->channel_event);
		close(upgrade->channel);
		upgrade->channel = -1;
	}
	if (upgrade->page) {
		munmap(upgrade->page, HANDOVER_PAGE_SIZE);
		upgrade->page = NULL;
	}
	if (ftruncate(upgrade->file, 0) != 0) {
		log_warning("the state's memory is not given back: %s", strerror(errno));
	}
	upgrade->step = STEP_NONE;
}

static struct slot *tls_of(const struct upgrade *upgrade)
{
	uint32_t i = 0;

	while (upgrade->owner.slots[i].role != SLOT_TLS) {
		i++;
	}
	return &upgrade->owner.slots[i];
}

/*
 * What tls processes say from here on is for the new master; if ours ends meanwhile, nobody takes
 * its place. Or all is as it was.
 */
static void hold_tls(struct upgrade *upgrade)
{
	struct slot *slot = tls_of(upgrade);

	lingering_hear(upgrade->owner.lingering, false);
	upgrade->tls_held = !slot->stopped;
	if (upgrade->tls_held) {
		slot_hear(slot, false);
		slot_stop(slot);
	}
}

static void release_tls(struct upgrade *upgrade)
{
	struct slot *slot = tls_of(upgrade);

	lingering_hear(upgrade->owner.lingering, true);
	if (upgrade->tls_held) {
		slot_open(slot);
		slot_hear(slot, true);
		slot_serve_on(slot);
	}
	upgrade->tls_held = false;
}

/* Workers start again, and go on with what the last ones left. */
static void serve_on(struct upgrade *upgrade)
{
	for (uint32_t i = 0; i < upgrade->owner.slot_count; i++) {
		struct slot *slot = &upgrade->owner.slots[i];

		if (slot->role != SLOT_TLS) {
			slot_serve_on(slot);
		}
	}
	if (upgrade->owner.dispatch) {
		dispatch_hold(upgrade->owner.dispatch, false);
	}
}

bool upgrade_give_up(struct upgrade *upgrade, const char *why)
{
	const enum upgrade_step step = upgrade->step;

	if (step == STEP_NONE) {
		return true;
	}
	if (upgrade->page && !handover_take_back(upgrade->page)) {
		return false;
	}
	log_error("not upgraded: %s; this one serves on", why);
	launcher_kill(upgrade->owner.launcher);
	forget(upgrade);
	if (step >= STEP_SENDS) {
		release_tls(upgrade);
	}
	if (step >= STEP_LETS_GO) {
		serve_on(upgrade);
	}
	notify_manager("READY=1");
	return true;
}

/* It has taken over, and something went wrong with it all the same: it owns the connections. */
static void fail(struct upgrade *upgrade, const char *why)
{
	if (!upgrade_give_up(upgrade, why)) {
		log_error("the new one has taken over, and then: %s", why);
		forget(upgrade);
		upgrade->owner.replaced(upgrade->owner.context, false);
	}
}

/* Saying something */

static enum channel_result say(struct upgrade *upgrade, const struct handover_message *message,
			       const int *descriptors, size_t count)
{
	return channel_send(upgrade->channel, message, handover_length(message), descriptors,
			    count);
}

static void wait_until(struct upgrade *upgrade, enum upgrade_step step, int seconds)
{
	const struct timeval delay = { .tv_sec = seconds };

	upgrade->step = step;
	event_add(upgrade->late_event, &delay);
}

/* With the listeners that were passed to this one another way. */
static size_t list_listeners(const struct upgrade *upgrade, struct handover_welcome *welcome,
			     int *descriptors)
{
	const struct options *options = upgrade->owner.shared->options;
	size_t count = 0;

	for (size_t i = 0; i < options->listener_count; i++) {
		const struct listener_option *listener = &options->listeners[i];

		if (!listener->activated) {
			welcome->listeners[count].kind = listener->kind;
			memcpy(welcome->listeners[count].text, listener->text,
			       sizeof(listener->text));
			descriptors[count++] = upgrade->owner.listeners[i];
		}
	}
	welcome->listener_count = (uint32_t)count;
	return count;
}

static bool prepare_writer(struct upgrade *upgrade);

static void welcome(struct upgrade *upgrade, const struct handover_hello *hello)
{
	struct handover_message message = { .kind = HANDOVER_WELCOME };
	const struct snapshot_size size = snapshot_size(upgrade->owner.shared);
	int descriptors[OPTIONS_LISTENERS_MAX];
	char why[WHY_SIZE];

	if (hello->major != SNAPSHOT_MAJOR) {
		(void)snprintf(why, sizeof(why),
			       "the new binary's state is of version %u.%u, this one's of %d.%d",
			       hello->major, hello->minor, SNAPSHOT_MAJOR, SNAPSHOT_MINOR);
		fail(upgrade, why);
		return;
	}
	upgrade->pid = hello->pid;
	upgrade->minor = hello->minor;
	message.welcome.workers = size.workers;
	message.welcome.seats = upgrade->owner.shared->seats;
	message.welcome.adopt = upgrade->owner.copies != NULL;
	(void)snprintf(message.welcome.store, sizeof(message.welcome.store), "%.*s",
		       HANDOVER_STORE_SIZE - 1, upgrade->owner.shared->options->store);
	size_t count = list_listeners(upgrade, &message.welcome, descriptors);

	if (say(upgrade, &message, descriptors, count) != CHANNEL_OK) {
		fail(upgrade, "the new binary cannot be told anything");
	} else if (!prepare_writer(upgrade)) {
		fail(upgrade, "no process to write the state");
	} else {
		upgrade->step = STEP_WELCOMED;
	}
}

/* The workers let go */

static bool is_anyone_there(const struct upgrade *upgrade, enum slot_role role)
{
	for (uint32_t i = 0; i < upgrade->owner.slot_count; i++) {
		const struct slot *slot = &upgrade->owner.slots[i];

		if (slot->role == role && slot->process) {
			return true;
		}
	}
	return false;
}

static void ask_to_yield(struct upgrade *upgrade, enum slot_role role)
{
	for (uint32_t i = 0; i < upgrade->owner.slot_count; i++) {
		struct slot *slot = &upgrade->owner.slots[i];

		if (slot->role != role) {
			continue;
		}
		if (role == SLOT_WORKER && upgrade->owner.dispatch) {
			dispatch_pause_worker(upgrade->owner.dispatch, slot->number);
		}
		(void)slot_yield(slot);
	}
}

static void have_workers_let_go(struct upgrade *upgrade)
{
	upgrade->began_ns = clock_monotonic_ns();
	wait_until(upgrade, STEP_LETS_GO, LET_GO_SECONDS);
	if (upgrade->owner.dispatch) {
		dispatch_hold(upgrade->owner.dispatch, true);
	}
	ask_to_yield(upgrade, SLOT_WORKER);
	event_active(upgrade->send_event, EV_TIMEOUT, 0); /* should nobody be there */
}

void upgrade_slot_ended(struct upgrade *upgrade)
{
	if (upgrade->step == STEP_LETS_GO) {
		event_active(upgrade->send_event, EV_TIMEOUT, 0);
	}
}

/* The state */

static bool write_whole(int file, const unsigned char *bytes, size_t length, off_t place)
{
	while (length > 0) {
		ssize_t written = pwrite(file, bytes, length, place);

		if (written < 0) {
			return false;
		}
		bytes += written;
		length -= (size_t)written;
		place += written;
	}
	return true;
}

/* In a process of its own: it follows pointers that workers wrote, and may die of them. */
static int write_state(void *argument)
{
	const struct upgrade *upgrade = argument;
	struct handover_page page = { .owner = HANDOVER_OFFERED };
	struct records records;
	char why[SNAPSHOT_WHY_SIZE];
	char none;

	log_rename("snapshot");
	if (read(upgrade->go, &none, sizeof(none)) != 0) { /* its end is the word */
		return EXIT_FAILURE;
	}
	records_write(&records);
	if (!snapshot_write(upgrade->owner.shared, &records, why)) {
		log_error("the state cannot be written: %s", why);
		return EXIT_FAILURE;
	}
	page.length = records.length;
	if (!write_whole(upgrade->file, (const unsigned char *)&page, sizeof(page), 0) ||
	    !write_whole(upgrade->file, records.bytes, records.length, HANDOVER_PAGE_SIZE)) {
		log_error("the state cannot be written: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void send_connections(struct upgrade *upgrade);

static bool map_page(struct upgrade *upgrade)
{
	void *page = mmap(NULL, HANDOVER_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  upgrade->file, 0);

	upgrade->page = page == MAP_FAILED ? NULL : page;
	return upgrade->page;
}

static void add_tls(struct handover_message *message, int *descriptors,
		    const struct lingerer *lingerer)
{
	const size_t place = HANDOVER_TLS_DESCRIPTORS(message->count);

	descriptors[place] = lingerer->channel;
	descriptors[place + 1] = lingerer->descriptor;
	message->tls.pids[message->count++] = lingerer->pid;
}

/* One that is of too old a version to know of them ends them with this process. */
static bool send_tls(struct upgrade *upgrade)
{
	const struct plain_ends *plain_ends = &upgrade->owner.shared->plain_ends;
	const struct slot *slot = tls_of(upgrade);
	struct handover_message message = { .kind = HANDOVER_TLS };
	struct lingerer list[LINGERING_MOST];
	const size_t count = lingering_list(upgrade->owner.lingering, list);
	int descriptors[HANDOVER_TLS_DESCRIPTORS(PLAIN_ENDS_USERS)] = { plain_ends->file };

	for (size_t i = 0; i < count; i++) {
		add_tls(&message, descriptors, &list[i]);
	}
	if (slot->process) {
		add_tls(&message, descriptors,
			&(struct lingerer){ process_pid(slot->process), slot->channel,
					    process_descriptor(slot->process) });
	}
	return message.count == 0 || upgrade->minor < HANDOVER_TLS_MINOR ||
	       say(upgrade, &message, descriptors, HANDOVER_TLS_DESCRIPTORS(message.count)) ==
		       CHANNEL_OK;
}

static void send_state(struct upgrade *upgrade)
{
	const struct handover_message state = { .kind = HANDOVER_STATE };
	const int descriptors[] = { upgrade->file, lockfile_serving() };
	const size_t count = descriptors[1] >= 0 ? 2 : 1;

	upgrade->worker = upgrade->seat = upgrade->sent = 0;
	upgrade->waiting = 0;
	upgrade->step = STEP_SENDS;
	hold_tls(upgrade);
	if (say(upgrade, &state, descriptors, count) != CHANNEL_OK || !send_tls(upgrade)) {
		fail(upgrade, "the new binary cannot be told anything");
		return;
	}
	send_connections(upgrade);
}

static void on_written(evutil_socket_t descriptor, short what, void *argument)
{
	struct upgrade *upgrade = argument;

	(void)descriptor;
	(void)what;
	if (process_alive(upgrade->writer)) {
		return;
	}
	bool written = upgrade->step == STEP_WRITES &&
		       process_exit_status(upgrade->writer) == EXIT_SUCCESS;

	event_free(upgrade->writer_event);
	process_destroy(upgrade->writer);
	upgrade->writer = NULL;
	if (!written || !map_page(upgrade)) {
		fail(upgrade, "the state could not be written");
	} else {
		send_state(upgrade);
	}
}

/*
 * It is forked while the workers still serve: with many connections that takes a while, and so does
 * closing them there. It waits until the last worker has let go.
 */
static bool prepare_writer(struct upgrade *upgrade)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return false;
	}
	const int keep[] = { upgrade->file, ends[0] };
	const struct process_options options = {
		.name = "turnstile-state", .daemon = true, .keep = keep, .keep_count = 2
	};

	upgrade->go = ends[0];
	upgrade->writer = process_start(&options, write_state, upgrade);
	close(ends[0]);
	upgrade->go = ends[1];
	if (!upgrade->writer) {
		return false;
	}
	upgrade->writer_event = event_new(upgrade->owner.base, process_descriptor(upgrade->writer),
					  EV_READ | EV_PERSIST, on_written, upgrade);
	event_add(upgrade->writer_event, NULL);
	return true;
}

static void start_writing(struct upgrade *upgrade)
{
	wait_until(upgrade, STEP_WRITES, TAKE_SECONDS);
	let_write(upgrade);
}

static void go_on_when_all_let_go(struct upgrade *upgrade)
{
	if (is_anyone_there(upgrade, SLOT_WORKER)) {
		return;
	}
	if (is_anyone_there(upgrade, SLOT_JOINER)) {
		ask_to_yield(upgrade, SLOT_JOINER);
		return;
	}
	if (is_anyone_there(upgrade, SLOT_BUS)) {
		ask_to_yield(upgrade, SLOT_BUS);
		return;
	}
	if (upgrade->owner.copies) {
		copies_sweep(upgrade->owner.copies);
	}
	start_writing(upgrade);
}

/* The connections */

static uint32_t next_connections(struct upgrade *upgrade, struct handover_message *message,
				 int *sockets)
{
	const uint32_t workers = upgrade->owner.shared->workers;

	message->count = 0;
	while (upgrade->owner.copies && upgrade->worker < workers) {
		uint32_t seats;
		const int *copies = copies_of(upgrade->owner.copies, upgrade->worker, &seats);

		for (; upgrade->seat < seats; upgrade->seat++) {
			if (copies[upgrade->seat] < 0) {
				continue;
			}
			if (message->count == CHANNEL_DESCRIPTORS_MAX) {
				return message->count;
			}
			sockets[message->count] = copies[upgrade->seat];
			message->sockets[message->count++] =
				(struct handover_socket){ upgrade->worker, upgrade->seat };
		}
		upgrade->worker++;
		upgrade->seat = 0;
	}
	return message->count;
}

/* Fills MESSAGE with what is to be sent next; false when that was all. */
static bool next_message(struct upgrade *upgrade, struct handover_message *message, int *sockets)
{
	*message = (struct handover_message){ .kind = HANDOVER_SOCKETS };
	if (next_connections(upgrade, message, sockets) > 0) {
		return true;
	}
	message->kind = HANDOVER_ACCEPTED;
	message->count = upgrade->owner.dispatch
				 ? (uint32_t)dispatch_waiting(
					   upgrade->owner.dispatch, &upgrade->waiting,
					   CHANNEL_DESCRIPTORS_MAX, sockets, message->arrivals)
				 : 0;
	return message->count > 0;
}

/* One that finds the channel full is made again a little later. */
static void send_connections(struct upgrade *upgrade)
{
	const struct timeval soon = { .tv_usec = RETRY_US };
	const struct handover_message offer = { .kind = HANDOVER_OFFER };
	struct handover_message message;
	int sockets[CHANNEL_DESCRIPTORS_MAX];
	enum channel_result result = CHANNEL_OK;
	bool all = false;

	while (!all && result == CHANNEL_OK) {
		const uint32_t worker = upgrade->worker;
		const uint32_t seat = upgrade->seat;
		const size_t waiting = upgrade->waiting;

		all = !next_message(upgrade, &message, sockets);
		result = all ? say(upgrade, &offer, NULL, 0)
			     : say(upgrade, &message, sockets, message.count);
		if (result == CHANNEL_FULL) {
			upgrade->worker = worker;
			upgrade->seat = seat;
			upgrade->waiting = waiting;
			event_add(upgrade->send_event, &soon);
			return;
		}
		upgrade->sent += all ? 0 : message.count;
	}
	if (result != CHANNEL_OK) {
		fail(upgrade, "the new binary does not take the connections");
		return;
	}
	upgrade->step = STEP_OFFERED;
}

static void on_send(evutil_socket_t descriptor, short what, void *argument)
{
	struct upgrade *upgrade = argument;

	(void)descriptor;
	(void)what;
	if (upgrade->step == STEP_LETS_GO) {
		go_on_when_all_let_go(upgrade);
	} else if (upgrade->step == STEP_SENDS) {
		send_connections(upgrade);
	}
}

/* What the new one says */

static void end(struct upgrade *upgrade)
{
	char state[32];

	log_notice("the new binary (pid %d) serves: it was handed %u connection%s within %.1f ms",
		   (int)upgrade->pid, upgrade->sent, upgrade->sent == 1 ? "" : "s",
		   (double)(clock_monotonic_ns() - upgrade->began_ns) / NS_PER_MS);
	(void)snprintf(state, sizeof(state), "MAINPID=%d", (int)upgrade->pid);
	notify_manager(state);
	forget(upgrade);
	upgrade->owner.replaced(upgrade->owner.context, true);
}

static void hear(struct upgrade *upgrade, const struct handover_message *message)
{
	if (upgrade->step == STEP_STARTED && message->kind == HANDOVER_HELLO) {
		welcome(upgrade, &message->hello);
	} else if (upgrade->step == STEP_WELCOMED && message->kind == HANDOVER_READY) {
		have_workers_let_go(upgrade);
	} else if (upgrade->step == STEP_OFFERED && message->kind == HANDOVER_SERVING) {
		end(upgrade);
	} else {
		fail(upgrade, "the new binary says what it cannot have to say");
	}
}

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	static struct channel_message received;
	struct upgrade *upgrade = argument;
	struct handover_message message;
	enum channel_result result = channel_receive(channel, &received);

	(void)what;
	if (result == CHANNEL_EMPTY) {
		return;
	}
	for (size_t i = 0;
	     result != CHANNEL_CLOSED && result != CHANNEL_FAILED && i < received.descriptor_count;
	     i++) {
		close(received.descriptors[i]);
	}
	if (result != CHANNEL_OK) {
		fail(upgrade, "the new binary ended");
	} else if (!handover_read(&received, &message)) {
		fail(upgrade, "the new binary says what it cannot have to say");
	} else {
		hear(upgrade, &message);
	}
}

static void on_late(evutil_socket_t descriptor, short what, void *argument)
{
	struct upgrade *upgrade = argument;

	(void)descriptor;
	(void)what;
	if (upgrade->page && handover_is_taken(upgrade->page)) {
		log_warning("the new binary (pid %d) has taken over, and is slow to serve",
			    (int)upgrade->pid);
		return; /* there is nothing here any more that could serve instead */
	}
	fail(upgrade, upgrade->step < STEP_LETS_GO ? "the new binary did not get ready in time"
						   : "the new binary did not take over in time");
}

/* Beginning */

static bool can_begin(const struct upgrade *upgrade)
{
	if (upgrade->step != STEP_NONE) {
		log_warning("an upgrade is under way already");
		return false;
	}
	if (!upgrade->owner.launcher || upgrade->file < 0) {
		log_error("not upgraded: nothing can be started; this one serves on");
		return false;
	}
	if (getpid() == 1) {
		log_error("not upgraded: process 1 cannot be replaced, give the container an init "
			  "(docker run --init); this one serves on");
		return false;
	}
	return true;
}

static void tell_manager(void)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		       (long long)(clock_monotonic_ns() / NS_PER_US));
	notify_manager(state);
}

void upgrade_begin(struct upgrade *upgrade)
{
	int ends[2];

	if (!can_begin(upgrade)) {
		return;
	}
	if (!channel_open(ends)) {
		log_error("not upgraded: no channel: %s", strerror(errno));
		return;
	}
	log_notice("upgrading: the program is started anew");
	tell_manager();
	upgrade->channel = ends[0];
	upgrade->channel_event =
		event_new(upgrade->owner.base, ends[0], EV_READ | EV_PERSIST, on_channel, upgrade);
	event_add(upgrade->channel_event, NULL);
	wait_until(upgrade, STEP_STARTED, PREPARE_SECONDS);
	bool started = launcher_start(upgrade->owner.launcher, ends[1],
				      upgrade->owner.shared->options, upgrade->owner.listeners);

	close(ends[1]);
	if (!started) {
		fail(upgrade, "the launcher is gone");
	}
}

bool upgrade_is_under_way(const struct upgrade *upgrade)
{
	return upgrade->step != STEP_NONE;
}

struct upgrade *upgrade_create(const struct upgrade_owner *owner)
{
	struct upgrade *upgrade = calloc(1, sizeof(*upgrade));

	if (!upgrade) {
		die("out of memory");
	}
	upgrade->owner = *owner;
	upgrade->channel = upgrade->go = -1;
	upgrade->file = memfd_create("turnstile-state", MFD_CLOEXEC);
	upgrade->send_event = event_new(owner->base, -1, 0, on_send, upgrade);
	upgrade->late_event = event_new(owner->base, -1, 0, on_late, upgrade);
	return upgrade;
}
