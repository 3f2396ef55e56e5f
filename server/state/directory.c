#include "server/state/directory.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define PAUSE_NS (50 * NS_PER_US) /* before the lock is tried again */

static const struct name_hash no_name;

struct nick_entry {
	struct name_hash hash;
	uint32_t worker; /* from 1; 0: the entry is free */
	uint32_t seat;
};

/* Never more nicks than connections, and a change of nick holds two for a moment. */
static uint64_t nicks_max(unsigned workers, uint32_t seats_a_worker)
{
	return (uint64_t)seats_a_worker * (workers > 1 ? 2 : 1);
}

size_t directory_size(unsigned workers, uint32_t seats_a_worker)
{
	return sizeof(struct directory) +
	       (size_t)workers * (seats_a_worker + 1) * sizeof(struct seat) +
	       hash_table_memory(nicks_max(workers, seats_a_worker), sizeof(struct nick_entry)) +
	       2 * (size_t)CACHE_LINE;
}

struct directory *directory_create(struct memory *memory, unsigned workers, uint32_t seats_a_worker,
				   struct admission *admission)
{
	struct directory *directory = memory_take(memory, sizeof(*directory), CACHE_LINE);
	struct siphash_key random;

	mutex_init(&directory->lock, MUTEX_BRIEF);
	siphash_key_make(&random);
	/* Their upper half is random, so that no other server on the same store uses the same. */
	directory->next_session = (random.words[0] >> 1) & ~(uint64_t)UINT32_MAX;
	directory->workers = workers;
	directory->admission = admission;
	directory->seats_a_worker = seats_a_worker;
	directory->seats = memory_take(
		memory, (size_t)workers * (seats_a_worker + 1) * sizeof(struct seat), CACHE_LINE);
	hash_table_init(&directory->nicks, memory, nicks_max(workers, seats_a_worker),
			sizeof(struct nick_entry));
	return directory;
}

struct seat *directory_seat(struct directory *directory, uint32_t worker, uint32_t seat)
{
	return &directory->seats[(size_t)worker * (directory->seats_a_worker + 1) + seat];
}

bool name_hash_equal(struct name_hash a, struct name_hash b)
{
	return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

struct name_hash directory_hash(const struct directory *directory, struct span name)
{
	char folded[NAME_FOLDED_SIZE];
	size_t length = name_fold(name, folded);
	struct name_hash hash = { { 0, 0 } };

	hash_table_hash(&directory->nicks, folded, length, hash.words);
	return hash;
}

uint64_t directory_new_session(struct directory *directory)
{
	return atomic_fetch_add(&directory->next_session, 1) + 1;
}

/* The entry with this hash, or the free one where it would go. */
static struct nick_entry *find_entry(struct directory *directory, struct name_hash hash)
{
	return hash_table_find(&directory->nicks, hash.words);
}

static void enter(struct directory *directory, struct name_hash hash, uint32_t worker,
		  uint32_t seat)
{
	struct nick_entry *entry = find_entry(directory, hash);

	if (!entry->worker) {
		*entry = (struct nick_entry){ .hash = hash, .worker = worker + 1, .seat = seat };
	}
}

/*
 * A seat is in the tables again if it is taken, also one whose version is odd: its living owner may
 * just be changing its rooms, without the lock. The dead one's own seats will be swept.
 */
static void enter_again(struct directory *directory, uint32_t worker, uint32_t number)
{
	const struct seat *seat = directory_seat(directory, worker, number);

	if (!seat->session) {
		return;
	}
	if (!name_hash_equal(seat->hash, no_name) && !seat_is_ended(seat)) {
		enter(directory, seat->hash, worker, number);
	}
	admission_count(directory->admission, seat->peer);
}

/* From the seats, which are the truth. */
static void make_tables(struct directory *directory)
{
	hash_table_clear(&directory->nicks);
	admission_clear(directory->admission);
	for (uint32_t worker = 0; worker < directory->workers; worker++) {
		for (uint32_t i = 0; i < directory->highest[worker]; i++) {
			enter_again(directory, worker, i);
		}
	}
}

/* The lock's last holder died. */
static void rebuild(void *context, pid_t dead)
{
	struct directory *directory = context;

	log_warning("directory: its lock's holder %d died; making the table of nicks again", dead);
	make_tables(directory);
}

bool directory_try(struct directory *directory)
{
	const struct mutex_repair repair = { rebuild, directory };

	return mutex_spin(&directory->lock, &repair) == MUTEX_TAKEN;
}

void directory_lock(struct directory *directory)
{
	while (!directory_try(directory)) {
		clock_sleep(PAUSE_NS);
	}
}

void directory_unlock(struct directory *directory)
{
	mutex_unlock(&directory->lock);
}

/* Around each change of a seat. */
static void begin_change(struct seat *seat)
{
	struct seat *copy = seat + seat->undo;

	memcpy(copy, seat, sizeof(*copy));
	atomic_thread_fence(memory_order_release);
	seqlock_write_begin(&seat->version);
}

static void end_change(struct seat *seat)
{
	seqlock_write_end(&seat->version);
}

static bool take_back(struct seat *seat)
{
	if (seat->version % 2 == 0) {
		return false;
	}
	const uint32_t version = seat->version;

	memcpy(seat, seat + seat->undo, sizeof(*seat));
	atomic_store_explicit(&seat->version, version, memory_order_release);
	end_change(seat);
	return true;
}

void directory_take_back(struct directory *directory, uint32_t worker)
{
	bool any = false;

	for (uint32_t i = 0; i < directory->highest[worker]; i++) {
		any |= take_back(directory_seat(directory, worker, i));
	}
	if (any) {
		make_tables(directory);
	}
}

/* Without a limit nobody was counted. */
void directory_limit_addresses(struct directory *directory, uint32_t most)
{
	struct admission *admission = directory->admission;
	const uint32_t before = admission->most;

	admission->most = most;
	if (before == 0 && most > 0) {
		make_tables(directory);
	}
}

bool seat_read(const struct seat *seat, struct seat *copy)
{
	return seqlock_copy(&seat->version, copy, seat, sizeof(*copy)) && copy->session != 0 &&
	       !seat_is_ended(copy);
}

static void note_highest(struct directory *directory, struct address where)
{
	if (where.seat >= directory->highest[where.worker]) {
		directory->highest[where.worker] = where.seat + 1;
	}
}

bool directory_claim(struct directory *directory, struct address where, struct span name)
{
	struct name_hash hash = directory_hash(directory, name);
	struct nick_entry *entry = find_entry(directory, hash);
	struct seat *seat = directory_seat(directory, where.worker, where.seat);
	bool ours = entry->worker == where.worker + 1 && entry->seat == where.seat;

	if ((entry->worker && !ours) || seat_is_ended(seat)) {
		return false;
	}
	note_highest(directory, where);
	struct name_hash old = seat->hash;
	bool had_one = seat->session != 0 && !name_hash_equal(old, no_name);

	seat->undo = directory->seats_a_worker - where.seat;
	*entry =
		(struct nick_entry){ .hash = hash, .worker = where.worker + 1, .seat = where.seat };
	begin_change(seat);
	seat->hash = hash;
	memset(seat->nick, 0, sizeof(seat->nick));
	memcpy(seat->nick, name.text, name.length);
	seat->session = where.session;
	end_change(seat);
	if (had_one && !name_hash_equal(old, hash)) {
		hash_table_remove(&directory->nicks, find_entry(directory, old));
	}
	return true;
}

void directory_claim_guest(struct directory *directory, struct address where)
{
	char name[NAME_NICK_SIZE];

	do {
		uint64_t number = atomic_fetch_add(&directory->next_guest, 1) + 1;

		(void)snprintf(name, sizeof(name), "guest-%llu", (unsigned long long)number);
	} while (!directory_claim(directory, where, span_of(name)));
}

void directory_claim_nameless(struct directory *directory, struct address where)
{
	struct seat *seat = directory_seat(directory, where.worker, where.seat);

	note_highest(directory, where);
	seat->undo = directory->seats_a_worker - where.seat;
	begin_change(seat);
	seat->hash = no_name;
	seat->nick[0] = '\0';
	seat->session = where.session;
	end_change(seat);
}

static void free_nick(struct directory *directory, struct address where)
{
	const struct seat *seat = directory_seat(directory, where.worker, where.seat);
	struct nick_entry *entry = find_entry(directory, seat->hash);

	if (entry->worker == where.worker + 1 && entry->seat == where.seat) {
		hash_table_remove(&directory->nicks, entry);
	}
}

bool directory_end(struct directory *directory, struct address where)
{
	struct seat *seat = directory_seat(directory, where.worker, where.seat);

	if (seat->session != where.session || seat_is_ended(seat)) {
		return false;
	}
	atomic_store(&seat->ended, where.session);
	free_nick(directory, where);
	return true;
}

void directory_release(struct directory *directory, struct address where)
{
	struct seat *seat = directory_seat(directory, where.worker, where.seat);

	free_nick(directory, where);
	admission_leave(directory->admission, seat->peer);
	begin_change(seat);
	seat->session = 0;
	seat->nick[0] = '\0';
	seat->room_count = 0;
	seat->has_ties = false;
	end_change(seat);
}

bool directory_find(struct directory *directory, struct span name, struct address *where)
{
	const struct nick_entry *entry = find_entry(directory, directory_hash(directory, name));

	if (!entry->worker) {
		return false;
	}
	where->worker = entry->worker - 1;
	where->seat = entry->seat;
	where->session = directory_seat(directory, where->worker, where->seat)->session;
	return true;
}

void directory_restore(struct directory *directory, struct address where, const struct seat *like)
{
	struct seat *seat = directory_seat(directory, where.worker, where.seat);

	note_highest(directory, where);
	memcpy(seat, like, sizeof(*seat));
	atomic_init(&seat->version, 0);
	seat->undo = directory->seats_a_worker - where.seat;
	seat->hash = *like->nick ? directory_hash(directory, span_of(like->nick)) : no_name;
}

void directory_restored(struct directory *directory)
{
	make_tables(directory);
}

bool directory_next_orphan(struct directory *directory, uint32_t worker, uint32_t *seat)
{
	for (; *seat < directory->highest[worker]; ++*seat) {
		const struct seat *candidate = directory_seat(directory, worker, *seat);

		if (candidate->session != 0 || candidate->version % 2 != 0) {
			return true;
		}
	}
	return false;
}

int seat_place_of(const struct seat *seat, uint16_t room)
{
	for (int i = 0; i < seat->room_count; i++) {
		if (seat->rooms[i] == room) {
			return i;
		}
	}
	return -1;
}

void seat_make_current(struct seat *seat, int index)
{
	uint16_t room = seat->rooms[index];

	if (index > 0) {
		begin_change(seat);
		memmove(seat->rooms + 1, seat->rooms, (size_t)index * sizeof(*seat->rooms));
		seat->rooms[0] = room;
		end_change(seat);
	}
}

void seat_add_room(struct seat *seat, uint16_t room)
{
	begin_change(seat);
	memmove(seat->rooms + 1, seat->rooms, seat->room_count * sizeof(*seat->rooms));
	seat->rooms[0] = room;
	seat->room_count++;
	end_change(seat);
}

void seat_remove_room(struct seat *seat, uint16_t room)
{
	int index = seat_place_of(seat, room);

	begin_change(seat);
	seat->room_count--;
	memmove(seat->rooms + index, seat->rooms + index + 1,
		(size_t)(seat->room_count - index) * sizeof(*seat->rooms));
	end_change(seat);
}
