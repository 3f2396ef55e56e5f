#include "server/bus/reader.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PAUSE_NS (50 * NS_PER_US) /* when a lock was taken */
#define TELL_NS  NS_PER_SECOND    /* between two lines about what is left out */

#define PATIENCE_NS NS_PER_SECOND        /* for workers that are behind */
#define REST_NS     (10 * NS_PER_SECOND) /* after one that took longer: nobody is waited for */

#define NICK_AT_SIZE (NAME_NICK_SIZE + OPTIONS_NODE_SIZE)

_Static_assert(NICK_AT_SIZE <= UINT8_MAX, "a room's log takes a nick with its machine's name");

/* Another stream */

static void begin_anew(struct shared_state *shared, uint64_t created)
{
	struct bus *bus = shared->bus;

	while (!rooms_forget_sequences(shared->rooms)) {
		clock_sleep(PAUSE_NS);
	}
	atomic_fetch_add(&bus->holes, 1);
	atomic_store(&bus->position, 0);
	atomic_store(&bus->stream, created);
}

uint64_t reader_begin(struct shared_state *shared, uint64_t created, uint64_t last)
{
	struct bus *bus = shared->bus;

	if (bus->stream != created || bus->position > last) {
		if (bus->stream != 0) {
			log_warning("the bus has lost what was said: its stream is another one "
				    "now; chat goes on with what is new in that");
		}
		begin_anew(shared, created);
	}
	atomic_store(&bus->history, last);
	return bus->position + 1;
}

/* A line */

static bool is_own(const struct shared_state *shared, const struct wire_head *head)
{
	return head->epoch == shared->bus->epoch && strcmp(head->node, shared->options->node) == 0;
}

/* Who said it: here as it was put; elsewhere nobody here is left out when it is told. */
static struct room_message line_of(const struct shared_state *shared,
				   const struct wire_message *message, uint64_t sequence,
				   char nick[NICK_AT_SIZE])
{
	struct room_message line = message->said;
	const struct address sender = line.sender;

	line.sequence = sequence;
	if (!is_own(shared, &message->head) || sender.worker >= OPTIONS_WORKERS_MAX ||
	    sender.seat >= shared->seats) {
		line.sender = (struct address){ 0, 0, 0 };
	}
	if (strcmp(message->head.node, shared->options->node) != 0) {
		int length = snprintf(nick, NICK_AT_SIZE, "%.*s@%s", (int)line.nick.length,
				      line.nick.text, message->head.node);

		line.nick = (struct span){ nick, (size_t)length };
	}
	return line;
}

static void add_wakes(const struct shared_state *shared, uint16_t room, uint64_t *wakes)
{
	const struct rooms *rooms = shared->rooms;

	for (uint32_t i = 0; i < rooms->workers; i++) {
		if (atomic_load_explicit(&rooms->rooms[room].members[i], memory_order_relaxed) >
		    0) {
			*wakes |= UINT64_C(1) << i;
		}
	}
}

/* False: a lock was taken. ROOM is ROOM_NONE where there is no place for one more. */
static bool try_append(struct shared_state *shared, struct span name,
		       const struct room_message *line, uint16_t *room)
{
	if (!directory_try(shared->directory)) {
		return false;
	}
	*room = rooms_remember(shared->rooms, shared->directory, name);
	bool done = *room == ROOM_NONE || room_append(shared->rooms, *room, line);

	directory_unlock(shared->directory);
	return done;
}

void reader_wake(const struct shared_state *shared, uint64_t wakes)
{
	for (; wakes != 0; wakes &= wakes - 1) {
		(void)waker_wake(&shared->scoreboard->scores[__builtin_ctzll(wakes)].waker);
	}
}

static void wait_for_workers(const struct shared_state *shared, uint16_t room, uint64_t wakes)
{
	static int64_t not_before_ns;
	int64_t now_ns = clock_monotonic_ns();
	const int64_t until_ns = now_ns + PATIENCE_NS;

	if (now_ns < not_before_ns) {
		return;
	}
	reader_wake(shared, wakes);
	while (room_is_pressed(shared->rooms, room) && now_ns < until_ns) {
		clock_sleep(PAUSE_NS);
		now_ns = clock_monotonic_ns();
	}
	if (now_ns >= until_ns) {
		not_before_ns = now_ns + REST_NS;
	}
}

static void append(struct shared_state *shared, const struct wire_message *message,
		   uint64_t sequence, uint64_t *wakes)
{
	char nick[NICK_AT_SIZE];
	const struct room_message line = line_of(shared, message, sequence, nick);
	uint16_t room;

	while (!try_append(shared, message->room, &line, &room)) {
		clock_sleep(PAUSE_NS);
	}
	if (room == ROOM_NONE) {
		return;
	}
	add_wakes(shared, room, wakes);
	if (room_is_pressed(shared->rooms, room)) {
		wait_for_workers(shared, room, *wakes);
	}
}

/* Its place in the outbox is free. */
static void note_said(struct bus *bus, const struct wire_head *head)
{
	struct bus_outbox *outbox = &bus->outboxes[head->worker];

	if (head->number >= outbox->said && head->number < outbox->put) {
		atomic_store(&outbox->said, head->number + 1);
	}
}

/* The stream */

/* What went too old is no more in it. */
static void note_holes(struct bus *bus, uint64_t sequence)
{
	if (sequence != bus->position + 1) {
		atomic_fetch_add(&bus->holes, 1);
	}
}

/* Whoever may write there could fill the log. */
static void leave_out(struct bus *bus, uint64_t sequence)
{
	static int64_t told_ns;
	const int64_t now_ns = clock_monotonic_ns();

	bus_count(bus, BUS_LEFT_OUT);
	if (told_ns == 0 || now_ns - told_ns >= TELL_NS) {
		told_ns = now_ns;
		log_warning("message %llu of the bus is none that is understood here: it is left "
			    "out",
			    (unsigned long long)sequence);
	}
}

/*
 * What servers of this name said before is history. Who says something since then is another one,
 * whose people are taken for ours.
 */
static void look_for_namesake(const struct shared_state *shared, const struct wire_head *head,
			      uint64_t sequence)
{
	static uint64_t told;

	if (sequence > shared->bus->history && head->epoch != shared->bus->epoch &&
	    head->epoch != told && strcmp(head->node, shared->options->node) == 0) {
		told = head->epoch;
		log_warning("another server calls itself %s, too: give each its own --node",
			    head->node);
	}
}

static void take_counting(struct shared_state *shared, const struct wire_message *message,
			  enum wire_result result, uint64_t sequence, uint64_t *wakes)
{
	if (result == WIRE_GOOD) {
		append(shared, message, sequence, wakes);
		bus_count(shared->bus, BUS_RECEIVED);
	} else {
		leave_out(shared->bus, sequence);
	}
	look_for_namesake(shared, &message->head, sequence);
	order_note(shared->bus, &message->head, sequence);
}

enum order_verdict reader_take(struct shared_state *shared, struct span bytes, uint64_t sequence,
			       uint64_t *wakes)
{
	struct bus *bus = shared->bus;
	struct wire_message message;
	enum wire_result result = wire_read(bytes, &message);
	enum order_verdict verdict = ORDER_REPEATED;

	note_holes(bus, sequence);
	if (result == WIRE_STRANGE) {
		leave_out(bus, sequence);
	} else {
		verdict = order_judge(bus, &message.head);
		if (verdict == ORDER_COUNTS) {
			take_counting(shared, &message, result, sequence, wakes);
		} else {
			bus_count(bus, BUS_LEFT_OUT);
		}
		/* Also when it counted before: who noted that may have been killed over it. */
		if (verdict != ORDER_EARLY && is_own(shared, &message.head)) {
			note_said(bus, &message.head);
		}
	}
	atomic_store(&bus->position, sequence);
	return verdict;
}

int reader_own_worker(const struct shared_state *shared, struct span bytes)
{
	struct wire_message message;

	return wire_read(bytes, &message) != WIRE_STRANGE && is_own(shared, &message.head)
		       ? (int)message.head.worker
		       : -1;
}
