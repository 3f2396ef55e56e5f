#include "server/bus/others.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define GONE_NS   (5 * NS_PER_SECOND)   /* without a sign of life */
#define FORGET_NS (600 * NS_PER_SECOND) /* then its people are not waited for any more */
#define PAUSE_NS  (50 * NS_PER_US)      /* when a lock was taken */

#define DRIFT_NS (100 * NS_PER_US)    /* of clocks, between two signs of life */
#define CLEAN_NS (60 * NS_PER_SECOND) /* after it is back: what it said meanwhile has come */

/* What the bus process alone knows of a machine. */
struct other {
	uint64_t chain;
	uint64_t number; /* of its last message */
	bool whole;      /* nothing was missed, since all was told */
	bool filling;    /* all is being told */
	int64_t heard_ns;
	int64_t clean_ns;                     /* when those who did not come back are forgotten */
	uint32_t generation;                  /* of the telling of all that was begun last */
	uint16_t places[ROOMS_MAX];           /* here, of its rooms' numbers; ROOM_NONE */
	uint32_t room_generations[ROOMS_MAX]; /* by place here: when that was told of last */
};

struct others {
	struct shared_state *shared;
	struct presence *presence;
	struct other others[PRESENCE_NODES];
};

static void forget_rooms(struct other *other)
{
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		other->places[i] = ROOM_NONE;
	}
}

struct others *others_create(struct shared_state *shared)
{
	struct others *others = calloc(1, sizeof(*others));

	if (!others) {
		die("out of memory");
	}
	others->shared = shared;
	others->presence = shared->presence;
	presence_take_over(shared->presence);
	for (int i = 0; i < PRESENCE_NODES; i++) {
		forget_rooms(&others->others[i]);
	}
	return others;
}

void others_destroy(struct others *others)
{
	free(others);
}

void others_begin(struct others *others, int64_t now_ns)
{
	for (int i = 0; i < PRESENCE_NODES; i++) {
		others->others[i].whole = others->others[i].filling = false;
		others->others[i].chain = 0;
		others->others[i].heard_ns = now_ns;
	}
}

/* Rooms */

static void set_members(struct others *others, uint32_t node, uint16_t place, uint32_t members)
{
	struct presence *presence = others->presence;

	presence->nodes[node].members[place] = members;
	rooms_set_elsewhere(others->shared->rooms, place, presence_members(presence, place));
}

static void take_room(struct others *others, uint32_t node, const struct live_room *room)
{
	struct shared_state *shared = others->shared;
	struct other *other = &others->others[node];
	uint16_t *place = &other->places[room->number];

	directory_lock(shared->directory);
	uint16_t now = rooms_remember(shared->rooms, shared->directory, room->name);

	if (*place != now && *place != ROOM_NONE) {
		set_members(others, node, *place, 0);
	}
	*place = now;
	if (now != ROOM_NONE) {
		set_members(others, node, now, room->members);
		other->room_generations[now] = other->generation;
	}
	directory_unlock(shared->directory);
}

/* Those that were not told of in the last telling, or all. */
static void empty_rooms(struct others *others, uint32_t node, bool all)
{
	struct other *other = &others->others[node];

	for (uint16_t place = 0; place < ROOMS_MAX; place++) {
		if (others->presence->nodes[node].members[place] > 0 &&
		    (all || other->room_generations[place] != other->generation)) {
			directory_lock(others->shared->directory);
			set_members(others, node, place, 0);
			directory_unlock(others->shared->directory);
		}
	}
}

/* People */

static void tell_room(struct others *others, const struct presence_person *person, uint16_t room,
		      enum message_kind kind, uint64_t *wakes)
{
	struct rooms *rooms = others->shared->rooms;
	char name[NICK_AT_SIZE];

	if (room >= ROOMS_MAX || room_members_here(rooms, room) == 0 ||
	    room_members(rooms, room) > ROOM_EVENTS_MOST) {
		return;
	}
	presence_name(others->presence, person, name);
	const struct room_message message = {
		.kind = kind, .nick = span_of(name), .text = { "", 0 }, .wall_ns = clock_wall_ns()
	};

	while (!room_append(rooms, room, &message)) {
		clock_sleep(PAUSE_NS);
	}
	for (uint32_t i = 0; i < rooms->workers; i++) {
		*wakes |= UINT64_C(1) << i;
	}
}

static uint8_t rooms_here(const struct other *other, const struct live_person *told,
			  uint16_t rooms[SEAT_ROOMS_MAX])
{
	uint8_t count = 0;

	for (uint32_t i = 0; i < told->room_count; i++) {
		if (other->places[told->rooms[i]] != ROOM_NONE) {
			rooms[count++] = other->places[told->rooms[i]];
		}
	}
	return count;
}

/* Its machine was not heard for a time, and the rooms were told that it went. */
static void come_back(struct others *others, const struct presence_person *before,
		      const struct presence_person *now, uint64_t *wakes)
{
	for (uint8_t i = 0; i < now->room_count; i++) {
		if (presence_person_is_in(before, now->rooms[i])) {
			tell_room(others, now, now->rooms[i], MESSAGE_JOINED, wakes);
		}
	}
}

static void write_person(struct presence_person *person, const struct presence_person *like)
{
	seqlock_write_begin(&person->version);
	person->node = like->node;
	person->hidden = false;
	person->seat = like->seat;
	person->generation = like->generation;
	person->session = like->session;
	memcpy(person->nick, like->nick, sizeof(person->nick));
	person->room_count = like->room_count;
	memcpy(person->rooms, like->rooms, sizeof(person->rooms));
	seqlock_write_end(&person->version);
}

static void put_person(struct others *others, uint32_t node, const struct live_person *told,
		       uint32_t place, uint64_t *wakes)
{
	struct presence_person *person = &others->presence->people[place];
	const struct presence_person before = *person;
	struct presence_person now = { .node = (uint8_t)(node + 1),
				       .seat = told->seat,
				       .generation = others->others[node].generation,
				       .session = told->session };

	memcpy(now.nick, told->nick.text, told->nick.length);
	now.room_count = rooms_here(&others->others[node], told, now.rooms);
	write_person(person, &now);
	if (before.node > 0 && before.hidden && before.session == now.session) {
		come_back(others, &before, &now, wakes);
	}
}

static void take_person(struct others *others, uint32_t node, const struct live_person *told,
			uint64_t *wakes)
{
	struct presence *presence = others->presence;
	uint32_t place = presence_find(presence, node, told->seat);

	if (told->nick.length == 0) {
		if (place != PRESENCE_NOBODY) {
			presence_free_place(presence, place);
		}
		return;
	}
	if (place == PRESENCE_NOBODY) {
		place = presence_take_place(presence, node, told->seat);
	}
	if (place != PRESENCE_NOBODY) { /* else its rooms count it, and that is all */
		put_person(others, node, told, place, wakes);
	}
}

/* Machines */

static bool is_of(const struct presence_person *person, uint32_t node)
{
	return person->node == node + 1;
}

enum whom {
	NOT_TOLD_OF, /* in the last telling of all; but for the hidden, of whom more may come */
	HIDDEN,
	ALL
};

static bool is_one(const struct others *others, const struct presence_person *person,
		   enum whom whom)
{
	switch (whom) {
	case NOT_TOLD_OF:
		return !person->hidden &&
		       person->generation != others->others[person->node - 1].generation;
	case HIDDEN: return person->hidden;
	case ALL: break;
	}
	return true;
}

static void free_people(struct others *others, uint32_t node, enum whom whom)
{
	for (uint32_t i = 0; i < others->presence->highest; i++) {
		const struct presence_person *person = &others->presence->people[i];

		if (is_of(person, node) && is_one(others, person, whom)) {
			presence_free_place(others->presence, i);
		}
	}
}

/* Its rooms hear of it first: who is killed in between leaves one that is told twice, not never. */
static void hide(struct others *others, struct presence_person *person, uint64_t *wakes)
{
	for (uint8_t i = 0; i < person->room_count; i++) {
		tell_room(others, person, person->rooms[i], MESSAGE_PARTED, wakes);
	}
	seqlock_write_begin(&person->version);
	person->hidden = true;
	seqlock_write_end(&person->version);
}

/* It is not heard any more, or it stopped. */
static void depart(struct others *others, uint32_t node, uint64_t *wakes)
{
	struct presence_node *shared = &others->presence->nodes[node];

	log_notice("the machine %s is not heard any more: its people leave", shared->name);
	for (uint32_t i = 0; i < others->presence->highest; i++) {
		struct presence_person *person = &others->presence->people[i];

		if (is_of(person, node) && !person->hidden) {
			hide(others, person, wakes);
		}
	}
	empty_rooms(others, node, true);
	atomic_store(&shared->here, false);
	shared->has_hidden = true;
	others->others[node].whole = others->others[node].filling = false;
	others->others[node].chain = 0;
}

/* Another server under that name: those of the one before never come back. */
static void begin_epoch(struct others *others, uint32_t node, uint64_t epoch, uint64_t *wakes)
{
	struct presence_node *shared = &others->presence->nodes[node];

	if (shared->here) {
		depart(others, node, wakes);
	}
	free_people(others, node, ALL);
	shared->has_hidden = false;
	shared->epoch = epoch;
}

static int add_node(struct others *others, const struct live_head *head)
{
	for (int i = 0; i < PRESENCE_NODES; i++) {
		struct presence_node *shared = &others->presence->nodes[i];

		if (shared->name[0] == '\0') {
			shared->epoch = head->epoch;
			memcpy(shared->name, head->node, sizeof(shared->name));
			return i;
		}
	}
	return -1;
}

static void note_here(struct others *others, uint32_t node)
{
	struct presence_node *shared = &others->presence->nodes[node];

	if (!shared->here) {
		log_notice("the machine %s is heard", shared->name);
		atomic_store(&shared->here, true);
	}
}

/* Whether what the message says may be taken; if not, all is to be told anew. */
static bool follows(struct other *other, const struct live_head *head)
{
	const bool next = head->chain == other->chain && head->number == other->number + 1;

	other->number = head->number;
	other->chain = head->chain;
	if (head->flags & LIVE_FIRST) {
		other->generation++;
		other->filling = true;
		other->whole = false;
		forget_rooms(other);
		return true;
	}
	if (!next) {
		other->whole = other->filling = false;
	}
	return other->whole || other->filling;
}

static void end_filling(struct others *others, uint32_t node, int64_t now_ns)
{
	free_people(others, node, NOT_TOLD_OF);
	empty_rooms(others, node, false);
	others->others[node].clean_ns = now_ns + CLEAN_NS;
	others->others[node].filling = false;
	others->others[node].whole = true;
}

static void note_strange(struct others *others, int64_t now_ns)
{
	static int64_t told_ns;

	if (bus_leave_out(others->shared->bus, now_ns, &told_ns)) {
		log_warning("something on the bus about who is there is none of ours, or is too "
			    "long: it is left out");
	}
}

static void take_entries(struct others *others, uint32_t node, struct records *records,
			 int64_t now_ns, uint64_t *wakes)
{
	struct live_room room;
	struct live_person person;

	for (;;) {
		switch (live_read_entry(records, &room, &person)) {
		case LIVE_ROOM: take_room(others, node, &room); break;
		case LIVE_PERSON: take_person(others, node, &person, wakes); break;
		case LIVE_ERRAND:
		case LIVE_ANSWER:
		case LIVE_OTHER: break;
		case LIVE_BROKEN: note_strange(others, now_ns); return;
		case LIVE_END: return;
		}
	}
}

/* What was the shortest on its way tells it best; clocks drift. */
static void note_clock(struct presence_node *shared, const struct live_head *head, int64_t now_ns)
{
	const int64_t behind_ns = now_ns - head->now_ns;

	shared->behind_ns = shared->here && shared->behind_ns + DRIFT_NS < behind_ns
				    ? shared->behind_ns + DRIFT_NS
				    : behind_ns;
}

static unsigned take_of(struct others *others, uint32_t node, const struct live_head *head,
			struct records *records, int64_t now_ns, uint64_t *wakes)
{
	struct presence_node *shared = &others->presence->nodes[node];
	struct other *other = &others->others[node];

	if (shared->epoch != head->epoch) {
		begin_epoch(others, node, head->epoch, wakes);
	}
	other->heard_ns = now_ns;
	note_clock(shared, head, now_ns);
	if (head->flags & LIVE_LEAVES) {
		if (shared->here) {
			depart(others, node, wakes);
		}
		free_people(others, node, ALL);
		return 0;
	}
	if (!follows(other, head)) {
		return OTHERS_ASK;
	}
	note_here(others, node);
	take_entries(others, node, records, now_ns, wakes);
	if ((head->flags & LIVE_LAST) && other->filling) {
		end_filling(others, node, now_ns);
	}
	return 0;
}

/* Who has had it for longer keeps the name; of two that begin just now, one or the other. */
static unsigned judge_namesake(const struct others *others, const struct live_head *head,
			       int64_t now_ns)
{
	const int64_t joined_ns = others->presence->joined_ns;
	const int64_t age_ns = joined_ns ? now_ns - joined_ns : 0;
	const uint64_t epoch = others->shared->bus->epoch;

	if (head->epoch == epoch) {
		return 0; /* it is this one */
	}
	return head->age_ns > age_ns || (head->age_ns == age_ns && head->epoch < epoch)
		       ? OTHERS_TAKEN
		       : OTHERS_SHOW;
}

unsigned others_take(struct others *others, struct span bytes, int64_t now_ns, uint64_t *wakes)
{
	struct live_head head;
	struct records records;

	if (!live_read_head(&records, bytes, &head)) {
		note_strange(others, now_ns);
		return 0;
	}
	if (strcmp(head.node, others->shared->options->node) == 0) {
		return judge_namesake(others, &head, now_ns);
	}
	unsigned wishes = head.flags & LIVE_ASKS ? OTHERS_TELL : 0;

	if (head.chain == 0) {
		return wishes;
	}
	int node = presence_find_node(others->presence, span_of(head.node));

	if (node < 0) {
		node = add_node(others, &head);
	}
	return node < 0 ? wishes
			: wishes | take_of(others, (uint32_t)node, &head, &records, now_ns, wakes);
}

static void clean(struct others *others, uint32_t node)
{
	free_people(others, node, HIDDEN);
	others->presence->nodes[node].has_hidden = false;
}

static void look_after(struct others *others, uint32_t node, int64_t now_ns, uint64_t *wakes)
{
	struct presence_node *shared = &others->presence->nodes[node];
	const struct other *other = &others->others[node];
	const int64_t silent_ns = now_ns - other->heard_ns;

	if (shared->here && silent_ns >= GONE_NS) {
		depart(others, node, wakes);
	} else if (shared->here && shared->has_hidden && other->whole &&
		   now_ns >= other->clean_ns) {
		clean(others, node);
	} else if (!shared->here && silent_ns >= FORGET_NS) {
		clean(others, node);
		memset(shared->name, 0, sizeof(shared->name));
	}
}

void others_turn(struct others *others, int64_t now_ns, uint64_t *wakes)
{
	for (uint32_t i = 0; i < PRESENCE_NODES; i++) {
		if (others->presence->nodes[i].name[0] != '\0') {
			look_after(others, i, now_ns, wakes);
		}
	}
}
