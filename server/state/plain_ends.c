#include "server/state/plain_ends.h"

#include <sys/stat.h>
#include <unistd.h>

static size_t size_of(uint32_t places)
{
	return sizeof(struct plain_table) + places * sizeof(struct plain_end);
}

static void use(struct plain_ends *ends, const struct memory *memory, int file, uint32_t places)
{
	*ends = (struct plain_ends){
		.memory = *memory, .file = file, .places = places, .table = memory->start
	};
}

void plain_ends_create(struct plain_ends *ends, uint32_t places)
{
	struct memory memory;
	int file = memory_open(&memory, "turnstile-tls", size_of(places));

	use(ends, &memory, file, places);
	ends->table->form = PLAIN_ENDS_FORM;
}

static bool map(int file, struct memory *memory)
{
	struct stat status;

	return fstat(file, &status) == 0 && (size_t)status.st_size >= size_of(1) &&
	       size_of(UINT32_MAX) >= (size_t)status.st_size &&
	       memory_join(memory, file, (size_t)status.st_size);
}

bool plain_ends_join(struct plain_ends *ends, int file)
{
	struct memory memory = { .start = NULL };

	if (!map(file, &memory) || ((struct plain_table *)memory.start)->form != PLAIN_ENDS_FORM) {
		memory_finish(&memory);
		close(file);
		return false;
	}
	plain_ends_finish(ends);
	use(ends, &memory, file,
	    (uint32_t)((memory.length - size_of(0)) / sizeof(struct plain_end)));
	return true;
}

void plain_ends_finish(struct plain_ends *ends)
{
	memory_finish(&ends->memory);
	close(ends->file);
	ends->table = NULL;
}

/* Who uses them */

bool plain_ends_enter(struct plain_ends *ends, pid_t pid)
{
	ends->user = 0;
	for (uint32_t i = 0; i < PLAIN_ENDS_USERS && ends->user == 0; i++) {
		pid_t nobody = 0;

		if (atomic_compare_exchange_strong(&ends->table->users[i].pid, &nobody, pid)) {
			ends->user = i + 1;
		}
	}
	return ends->user != 0;
}

void plain_ends_beat(struct plain_ends *ends, int64_t now_ns, uint32_t connections)
{
	struct plain_user *user = &ends->table->users[ends->user - 1];

	atomic_store_explicit(&user->heartbeat_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&user->connections, connections, memory_order_relaxed);
}

static void forget_ends(struct plain_ends *ends, uint32_t user)
{
	for (uint32_t i = 0; i < ends->places; i++) {
		struct plain_end *end = &ends->table->ends[i];

		if (atomic_load(&end->user) == user) {
			atomic_store(&end->number, 0);
			atomic_store(&end->user, 0);
		}
	}
}

void plain_ends_forget(struct plain_ends *ends, pid_t pid)
{
	for (uint32_t i = 0; i < PLAIN_ENDS_USERS; i++) {
		struct plain_user *user = &ends->table->users[i];

		if (atomic_load(&user->pid) == pid) {
			forget_ends(ends, i + 1);
			atomic_store(&user->heartbeat_ns, 0);
			atomic_store(&user->connections, 0);
			atomic_store(&user->pid, 0);
		}
	}
}

const struct plain_user *plain_ends_user(const struct plain_ends *ends, pid_t pid)
{
	for (uint32_t i = 0; i < PLAIN_ENDS_USERS; i++) {
		if (atomic_load(&ends->table->users[i].pid) == pid) {
			return &ends->table->users[i];
		}
	}
	return NULL;
}

uint32_t plain_ends_users(const struct plain_ends *ends)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PLAIN_ENDS_USERS; i++) {
		count += atomic_load(&ends->table->users[i].pid) != 0;
	}
	return count;
}

/* Ends */

/* Its place can be told from a number. It is published once its count is a new one's. */
static uint64_t begin(struct plain_ends *ends, uint32_t place)
{
	struct plain_end *end = &ends->table->ends[place];
	uint64_t number = (atomic_fetch_add(&end->uses, 1) + 1) * ends->places + place;

	atomic_store(&end->count.version, 0);
	atomic_store(&end->count.given, 0);
	atomic_store(&end->count.taken, 0);
	atomic_store(&end->number, number);
	return number;
}

/* Another tls process may take one at the same time. */
uint64_t plain_ends_take(struct plain_ends *ends)
{
	for (uint32_t i = 0; i < ends->places; i++) {
		uint32_t place = ends->next++ % ends->places;
		uint32_t nobody = 0;

		if (atomic_compare_exchange_strong(&ends->table->ends[place].user, &nobody,
						   ends->user)) {
			return begin(ends, place);
		}
	}
	return 0;
}

static struct plain_end *place_of(const struct plain_ends *ends, uint64_t number)
{
	return &ends->table->ends[number % ends->places];
}

struct relay_count *plain_ends_count(struct plain_ends *ends, uint64_t number)
{
	return number == 0 ? NULL : &place_of(ends, number)->count;
}

void plain_ends_give(struct plain_ends *ends, uint64_t number)
{
	if (number != 0) {
		atomic_store(&place_of(ends, number)->number, 0);
		atomic_store(&place_of(ends, number)->user, 0);
	}
}

const struct plain_end *plain_ends_find(const struct plain_ends *ends, uint64_t number)
{
	const struct plain_end *end = place_of(ends, number);

	return number != 0 && atomic_load(&end->number) == number ? end : NULL;
}

bool plain_end_is_still(const struct plain_end *end, uint32_t *version)
{
	*version = atomic_load(&end->count.version);
	return *version % 2 == 0;
}

bool plain_end_was_still(const struct plain_end *end, uint64_t number, uint32_t version)
{
	return atomic_load(&end->count.version) == version && atomic_load(&end->number) == number;
}
