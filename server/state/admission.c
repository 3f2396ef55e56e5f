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

size_t admission_size(uint32_t connections)
{
	return sizeof(struct admission) +
	       table_size_for(connections) * sizeof(struct admission_count) + 2 * CACHE_LINE;
}

struct admission *admission_create(struct memory *memory, uint32_t connections, uint32_t most)
{
	struct admission *admission = memory_take(memory, sizeof(*admission), CACHE_LINE);

	siphash_key_make(&admission->key);
	admission->most = most;
	admission->table_size = table_size_for(connections);
	admission->counts =
		memory_take(memory, admission->table_size * sizeof(*admission->counts), CACHE_LINE);
	return admission;
}

static struct ban *find_ban(struct admission *admission, struct peer_address peer)
{
	for (uint32_t i = 0; i < admission->ban_count; i++) {
		if (admission->bans[i].until_ns != 0 &&
		    peer_address_equal(admission->bans[i].peer, peer)) {
			return &admission->bans[i];
		}
	}
	return NULL;
}

int64_t admission_banned(const struct admission *admission, struct peer_address peer,
			 int64_t wall_ns)
{
	for (uint32_t i = 0; i < admission->ban_count; i++) {
		const struct ban *ban = &admission->bans[i];

		if (ban->until_ns > wall_ns && peer_address_equal(ban->peer, peer)) {
			return ban->until_ns - wall_ns;
		}
	}
	return 0;
}

/* An entry for a new ban: one that is over and saved, or one that was never used. */
static struct ban *free_ban(struct admission *admission, int64_t wall_ns)
{
	for (uint32_t i = 0; i < admission->ban_count; i++) {
		if (admission->bans[i].until_ns <= wall_ns && !admission->bans[i].unsaved) {
			return &admission->bans[i];
		}
	}
	return admission->ban_count < ADMISSION_BANS_MAX ? &admission->bans[admission->ban_count++]
							 : NULL;
}

bool admission_ban(struct admission *admission, struct peer_address peer, int64_t until_ns,
		   int64_t wall_ns)
{
	struct ban *ban = find_ban(admission, peer);

	if (!ban) {
		ban = free_ban(admission, wall_ns);
	}
	if (!ban) {
		return false;
	}
	ban->peer = peer;
	ban->until_ns = until_ns;
	ban->unsaved = true;
	atomic_fetch_add(&admission->bans_unsaved, 1);
	return true;
}

static uint32_t home_of(const struct admission *admission, struct peer_address peer)
{
	return (uint32_t)siphash(&admission->key, peer.bytes, sizeof(peer.bytes)) &
	       (admission->table_size - 1);
}

static uint32_t find_count(const struct admission *admission, struct peer_address peer)
{
	uint32_t i = home_of(admission, peer);

	while (admission->counts[i].connections > 0 &&
	       !peer_address_equal(admission->counts[i].peer, peer)) {
		i = (i + 1) & (admission->table_size - 1);
	}
	return i;
}

bool admission_enter(struct admission *admission, struct peer_address peer)
{
	if (admission->most == 0) {
		return true;
	}
	struct admission_count *count = &admission->counts[find_count(admission, peer)];

	if (count->connections == admission->most) {
		return false;
	}
	count->peer = peer;
	count->connections++;
	return true;
}

/* Fills the hole from behind, so that no search stops short (Knuth, 6.4 R). */
static void close_hole(struct admission *admission, uint32_t hole)
{
	uint32_t mask = admission->table_size - 1;

	for (uint32_t i = (hole + 1) & mask; admission->counts[i].connections > 0;
	     i = (i + 1) & mask) {
		if (((i - home_of(admission, admission->counts[i].peer)) & mask) >=
		    ((i - hole) & mask)) {
			admission->counts[hole] = admission->counts[i];
			hole = i;
		}
	}
	admission->counts[hole].connections = 0;
}

void admission_leave(struct admission *admission, struct peer_address peer)
{
	uint32_t place = admission->most > 0 ? find_count(admission, peer) : 0;

	if (admission->most > 0 && admission->counts[place].connections > 0 &&
	    --admission->counts[place].connections == 0) {
		close_hole(admission, place);
	}
}

void admission_clear(struct admission *admission)
{
	memset(admission->counts, 0, admission->table_size * sizeof(*admission->counts));
}
