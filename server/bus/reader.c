#include "server/bus/reader.h"

#include <stdio.h>
#include <string.h>

#include "server/state/penalty.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PAUSE_NS    (50 * NS_PER_US)     /* when a lock was taken */
#define PATIENCE_NS NS_PER_SECOND        /* for workers that are behind */
#define REST_NS     (10 * NS_PER_SECOND) /* after one that took longer: nobody is waited for */

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
	if (bus->position == 0) {
		atomic_store(&bus->before, last);
	}
	atomic_store(&bus->history, last);
	return bus->position + 1;
}

/* A line */

static bool is_own(const struct shared_state *shared, const struct wire_head *head)
{
	return head->epoch == shared->bus->epoch && strcmp(head->node, shared->options->node) == 0;
}

/* "NICK@NODE" */
static struct span nick_at(struct span nick, const char *node, char at[NICK_AT_SIZE])
{
	int length = snprintf(at, NICK_AT_SIZE, "%.*s@%s", (int)nick.length, nick.text, node);

	return (struct span){ at, (size_t)length };
}

/* How people of another machine are called here. */
struct names {
	char nick[NICK_AT_SIZE];
	char new_nick[NICK_AT_SIZE];
};

/* Who said it: here as it was put; elsewhere nobody here is left out when it is told. */
static struct room_message line_of(const struct shared_state *shared,
				   const struct wire_message *message, uint64_t sequence,
				   struct names *names)
{
	struct room_message line = message->said;
	const struct address sender = line.sender;

	line.sequence = sequence;
	if (!is_own(shared, &message->head) || sender.worker >= OPTIONS_WORKERS_MAX ||
	    sender.seat >= shared->seats) {
		line.sender = (struct address){ 0, 0, 0 };
	}
	if (strcmp(message->head.node, shared->options->node) != 0) {
		line.nick = nick_at(line.nick, message->head.node, names->nick);
		if (line.kind == MESSAGE_RENAMED) {
			line.text = nick_at(line.text, message->head.node, names->new_nick);
		}
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

static bool has_people_here(const struct shared_state *shared, uint16_t room)
{
	uint64_t workers = 0;

	add_wakes(shared, room, &workers);
	return workers != 0;
}

static bool is_kept(enum message_kind kind)
{
	return kind == MESSAGE_SAID || kind == MESSAGE_TOPIC;
}

/* What is said is kept for who comes later; who comes and goes, only who is there hears of. */
static uint16_t place_of(struct shared_state *shared, struct span name, enum message_kind kind)
{
	if (is_kept(kind)) {
		return rooms_remember(shared->rooms, shared->directory, name);
	}
	uint16_t room = rooms_find(shared->rooms, shared->directory, name);

	return room != ROOM_NONE && has_people_here(shared, room) ? room : ROOM_NONE;
}

/* Where it stands already; a new one, or one that was half noted when a predecessor was killed. */
static struct bus_rename *rename_of(struct bus *bus, uint64_t number)
{
	struct bus_rename *rename = &bus->renames[number % BUS_RENAMES];

	if (rename->number != number || rename->room_count > SEAT_ROOMS_MAX) {
		rename->number = 0;
		atomic_signal_fence(memory_order_seq_cst);
		rename->room_count = rename->heard_count = 0;
		atomic_signal_fence(memory_order_seq_cst);
		rename->number = number;
	}
	return rename;
}

/* It comes a room a message, those where it is heard first: LINE tells of all up to this one. */
static void gather_rename(struct bus *bus, uint16_t room, struct room_message *line)
{
	struct bus_rename *rename = rename_of(bus, line->rename);
	uint8_t i = 0;

	while (i < rename->room_count && rename->rooms[i] != room) {
		i++;
	}
	if (i == rename->room_count && i < SEAT_ROOMS_MAX) {
		rename->rooms[rename->room_count++] = room;
		if (line->heard_count > 0 && rename->heard_count == i) {
			rename->heard_count++;
		}
	}
	line->rooms = rename->rooms;
	line->room_count = rename->room_count;
	line->heard_count = rename->heard_count;
}

/*
 * Somebody of another machine leaves a room. Whether that was told already, when that machine was
 * not heard any more; from now on it will not be.
 */
static bool was_told_gone(const struct shared_state *shared, const struct wire_message *message,
			  uint16_t room)
{
	struct presence *presence = shared->presence;
	const struct address who = message->said.sender;
	int node = presence_find_node(presence, span_of(message->head.node));
	uint32_t place = node < 0 ? PRESENCE_NOBODY
				  : presence_find(presence, (uint32_t)node, presence_seat(who));

	if (place == PRESENCE_NOBODY || presence->people[place].session != who.session) {
		return false;
	}
	const struct presence_person *person = &presence->people[place];
	const bool told = person->hidden && presence_person_is_in(person, room);

	presence_leave(presence, place, room);
	return told;
}

/* False: a lock was taken. ROOM is ROOM_NONE where nobody is to hear it. */
static bool try_append(struct shared_state *shared, const struct wire_message *message,
		       struct room_message line, uint16_t *room)
{
	if (!directory_try(shared->directory)) {
		return false;
	}
	*room = line.sequence > shared->bus->before || is_kept(line.kind)
			? place_of(shared, message->room, line.kind)
			: ROOM_NONE;
	if (*room != ROOM_NONE && line.kind == MESSAGE_PARTED &&
	    was_told_gone(shared, message, *room)) {
		*room = ROOM_NONE;
	}
	if (*room != ROOM_NONE && line.kind == MESSAGE_RENAMED) {
		gather_rename(shared->bus, *room, &line);
	} else {
		line.heard_count = 0;
	}
	bool done = *room == ROOM_NONE || room_append(shared->rooms, *room, &line);

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
	struct names names;
	const struct room_message line = line_of(shared, message, sequence, &names);

	uint16_t room;

	while (!try_append(shared, message, line, &room)) {
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

/* Penalties */

/* What is left of it, by the clocks of both machines; less than nothing: it is over. */
static int64_t left_of(const struct penalty *penalty, int64_t since_ns)
{
	const int64_t whole_ns = penalty->seconds * NS_PER_SECOND;
	const int64_t left_ns = since_ns + whole_ns - clock_wall_ns();

	return left_ns < whole_ns ? left_ns : whole_ns;
}

static void impose(struct shared_state *shared, const struct penalty *penalty, int64_t left_ns)
{
	struct admission *admission = shared->directory->admission;
	const int64_t now_ns = clock_monotonic_ns();
	const int64_t date_ns = clock_deadlines_ns();

	directory_lock(shared->directory);
	bool imposed =
		penalty->kind == PENALTY_BAN
			? admission_ban(admission, penalty->network, date_ns + left_ns, date_ns)
			: admission_mute(admission, penalty->network.first, now_ns + left_ns,
					 now_ns);

	directory_unlock(shared->directory);
	if (!imposed) {
		log_warning("a penalty of another machine does not hold here: there are too many");
	}
}

/* One's own was imposed when it was made. */
static void take_penalty(struct shared_state *shared, const struct wire_message *message,
			 uint64_t *wakes)
{
	struct penalty penalty;

	if (is_own(shared, &message->head) ||
	    !penalty_read((int)message->said.kind, message->room, message->said.text, &penalty)) {
		return;
	}
	const int64_t left_ns = left_of(&penalty, message->said.wall_ns);

	if (penalty.seconds == 0 || left_ns > 0) {
		impose(shared, &penalty, penalty.seconds == 0 ? 0 : left_ns);
		*wakes = UINT64_MAX;
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

static void leave_out(struct bus *bus, uint64_t sequence)
{
	static int64_t told_ns;

	if (bus_leave_out(bus, clock_monotonic_ns(), &told_ns)) {
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
	if (result == WIRE_GOOD && penalty_is_kind((int)message->said.kind)) {
		take_penalty(shared, message, wakes);
		bus_count(shared->bus, BUS_RECEIVED);
	} else if (result == WIRE_GOOD) {
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
