#include "server/state/admission.h"

#include <string.h>

static uint32_t table_size_for(uint32_t connections)
{
	uint32_t size = 64;

	while (size < connections * 2) {
		size *= 2;
	}
	return size;
}

size_t gate_size(uint32_t connections)
{
	return sizeof(struct gate) + table_size_for(connections) * sizeof(struct gate_count) +
	       2 * CACHE_LINE;
}

struct gate *gate_create(struct memory *memory, uint32_t connections, uint32_t most)
{
	struct gate *gate = memory_take(memory, sizeof(*gate), CACHE_LINE);

	siphash_key_make(&gate->key);
	gate->most = most;
	gate->table_size = table_size_for(connections);
	gate->counts = memory_take(memory, gate->table_size * sizeof(*gate->counts), CACHE_LINE);
	return gate;
}

static struct ban *find_ban(struct gate *gate, struct origin origin)
{
	for (uint32_t i = 0; i < gate->ban_count; i++) {
		if (gate->bans[i].until_ns != 0 && origin_equal(gate->bans[i].origin, origin)) {
			return &gate->bans[i];
		}
	}
	return NULL;
}

int64_t gate_banned(const struct gate *gate, struct origin origin, int64_t wall_ns)
{
	for (uint32_t i = 0; i < gate->ban_count; i++) {
		const struct ban *ban = &gate->bans[i];

		if (ban->until_ns > wall_ns && origin_equal(ban->origin, origin)) {
			return ban->until_ns - wall_ns;
		}
	}
	return 0;
}

/* An entry for a new ban: one that is over and saved, or one that was never used. */
static struct ban *free_ban(struct gate *gate, int64_t wall_ns)
{
	for (uint32_t i = 0; i < gate->ban_count; i++) {
		if (gate->bans[i].until_ns <= wall_ns && !gate->bans[i].unsaved) {
			return &gate->bans[i];
		}
	}
	return gate->ban_count < GATE_BANS_MAX ? &gate->bans[gate->ban_count++] : NULL;
}

bool gate_ban(struct gate *gate, struct origin origin, int64_t until_ns, int64_t wall_ns)
{
	struct ban *ban = find_ban(gate, origin);

	if (!ban) {
		ban = free_ban(gate, wall_ns);
	}
	if (!ban) {
		return false;
	}
	ban->origin = origin;
	ban->until_ns = until_ns;
	ban->unsaved = true;
	atomic_fetch_add(&gate->bans_unsaved, 1);
	return true;
}

static uint32_t home_of(const struct gate *gate, struct origin origin)
{
	return (uint32_t)siphash(&gate->key, origin.bytes, sizeof(origin.bytes)) &
	       (gate->table_size - 1);
}

static uint32_t find_count(const struct gate *gate, struct origin origin)
{
	uint32_t i = home_of(gate, origin);

	while (gate->counts[i].connections > 0 && !origin_equal(gate->counts[i].origin, origin)) {
		i = (i + 1) & (gate->table_size - 1);
	}
	return i;
}

bool gate_enter(struct gate *gate, struct origin origin)
{
	if (gate->most == 0) {
		return true;
	}
	struct gate_count *count = &gate->counts[find_count(gate, origin)];

	if (count->connections == gate->most) {
		return false;
	}
	count->origin = origin;
	count->connections++;
	return true;
}

/* Fills the hole from behind, so that no search stops short (Knuth, 6.4 R). */
static void close_hole(struct gate *gate, uint32_t hole)
{
	uint32_t mask = gate->table_size - 1;

	for (uint32_t i = (hole + 1) & mask; gate->counts[i].connections > 0; i = (i + 1) & mask) {
		if (((i - home_of(gate, gate->counts[i].origin)) & mask) >= ((i - hole) & mask)) {
			gate->counts[hole] = gate->counts[i];
			hole = i;
		}
	}
	gate->counts[hole].connections = 0;
}

void gate_leave(struct gate *gate, struct origin origin)
{
	uint32_t place = gate->most > 0 ? find_count(gate, origin) : 0;

	if (gate->most > 0 && gate->counts[place].connections > 0 &&
	    --gate->counts[place].connections == 0) {
		close_hole(gate, place);
	}
}

void gate_clear(struct gate *gate)
{
	memset(gate->counts, 0, gate->table_size * sizeof(*gate->counts));
}
