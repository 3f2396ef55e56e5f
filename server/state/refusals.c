#include "server/state/refusals.h"

#include <string.h>

void refusals_init(struct refusals *refusals)
{
	siphash_key_make(&refusals->secret);
}

static uint64_t hash_of(const struct refusals *refusals, const char *key)
{
	return siphash(&refusals->secret, key, strlen(key)) | 1; /* 0 is a free place */
}

static size_t set_of(uint64_t hash)
{
	return (hash >> 1) % REFUSALS_SETS;
}

/* Its place in the set; REFUSALS_KEYS when it has none. */
static size_t place_of(const struct refusal_set *set, uint64_t hash)
{
	size_t place = 0;

	while (place < REFUSALS_KEYS && set->of[place].key != hash) {
		place++;
	}
	return place;
}

/* A free place, or else the oldest's, whose time is kept first. What was forgotten may be KEY's. */
static struct refusal *make_room(struct refusal_set *set, uint64_t session)
{
	struct refusal *oldest = &set->of[0];

	for (size_t i = 1; i < REFUSALS_KEYS; i++) {
		if (set->of[i].last_ns < oldest->last_ns) {
			oldest = &set->of[i];
		}
	}
	if (oldest->last_ns > set->forgotten_ns) {
		set->forgotten_ns = oldest->last_ns;
	}
	*oldest = (struct refusal){ .session = session, .other_ns = set->forgotten_ns };
	return oldest;
}

void refusals_note(struct refusals *refusals, const char *key, uint64_t session, int64_t now_ns)
{
	const uint64_t hash = hash_of(refusals, key);
	struct refusal_set *set = &refusals->sets[set_of(hash)];
	const size_t place = place_of(set, hash);
	struct refusal *refusal = place < REFUSALS_KEYS ? &set->of[place] : make_room(set, session);

	refusals->newest_ns = now_ns;
	if (refusal->session != session) {
		refusal->other_ns = refusal->last_ns;
		refusal->session = session;
	}
	refusal->last_ns = now_ns;
	refusal->key = hash;
}

bool refusals_overtook(const struct refusals *refusals, const char *key, uint64_t session,
		       int64_t since_ns)
{
	if (refusals->newest_ns <= since_ns) {
		return false; /* the way of nearly all */
	}
	const uint64_t hash = hash_of(refusals, key);
	const struct refusal_set *set = &refusals->sets[set_of(hash)];
	const size_t place = place_of(set, hash);

	if (place == REFUSALS_KEYS) {
		return set->forgotten_ns > since_ns;
	}
	const struct refusal *refusal = &set->of[place];

	return (refusal->session == session ? refusal->other_ns : refusal->last_ns) > since_ns;
}
