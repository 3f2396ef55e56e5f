#include "server/state/admission.h"

#include <string.h>

/* Of an address that somebody is connected from. */
struct connections {
	uint64_t peer_hash[2];
	uint32_t count;
};

size_t admission_size(uint32_t connections)
{
	return sizeof(struct admission) +
	       hash_table_memory(connections, sizeof(struct connections)) + CACHE_LINE;
}

struct admission *admission_create(struct memory *memory, uint32_t connections, uint32_t most)
{
	struct admission *admission = memory_take(memory, sizeof(*admission), CACHE_LINE);

	admission->most = most;
	hash_table_init(&admission->counts, memory, connections, sizeof(struct connections));
	return admission;
}

static struct ban *find_ban(struct admission *admission, struct peer_network network)
{
	for (uint32_t i = 0; i < admission->ban_count; i++) {
		if (admission->bans[i].until_ns != 0 &&
		    peer_network_equal(admission->bans[i].network, network)) {
			return &admission->bans[i];
		}
	}
	return NULL;
}

int64_t admission_banned(const struct admission *admission, struct peer_address peer,
			 int64_t wall_ns)
{
	int64_t left_ns = 0; /* networks may lie in each other: the longest holds */

	for (uint32_t i = 0; i < admission->ban_count; i++) {
		const struct ban *ban = &admission->bans[i];

		if (ban->until_ns - wall_ns > left_ns && peer_network_has(ban->network, peer)) {
			left_ns = ban->until_ns - wall_ns;
		}
	}
	return left_ns;
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

/* NULL when there is no room. */
static struct ban *set_ban(struct admission *admission, struct peer_network network,
			   int64_t until_ns, int64_t wall_ns)
{
	struct ban *ban = find_ban(admission, network);

	if (!ban) {
		ban = free_ban(admission, wall_ns);
	}
	if (ban) {
		ban->network = network;
		ban->until_ns = until_ns;
		ban->made = admission->bans_made + 1;
		atomic_store(&admission->bans_made, ban->made);
	}
	return ban;
}

bool admission_ban(struct admission *admission, struct peer_network network, int64_t until_ns,
		   int64_t wall_ns)
{
	struct ban *ban = set_ban(admission, network, until_ns, wall_ns);

	if (ban) {
		ban->unsaved = true;
		atomic_fetch_add(&admission->bans_unsaved, 1);
	}
	return ban;
}

/* Dates of another machine's clock are not the same to the nanosecond. */
static bool is_known(const struct ban *ban, int64_t until_ns)
{
	int64_t later_ns = until_ns - ban->until_ns;

	return later_ns < BAN_SAME_NS && later_ns > -BAN_SAME_NS;
}

/* What was changed here, and is not saved yet, is newer. */
static void learn(struct admission *admission, const struct ban *stored, int64_t wall_ns)
{
	const struct ban *ban = find_ban(admission, stored->network);

	if (ban ? !ban->unsaved && !is_known(ban, stored->until_ns) : stored->until_ns > wall_ns) {
		(void)set_ban(admission, stored->network, stored->until_ns, wall_ns);
	}
}

static bool is_among(const struct ban *bans, uint32_t count, struct peer_network network)
{
	for (uint32_t i = 0; i < count; i++) {
		if (peer_network_equal(bans[i].network, network)) {
			return true;
		}
	}
	return false;
}

void admission_learn_bans(struct admission *admission, const struct ban *bans, uint32_t count,
			  int64_t wall_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		learn(admission, &bans[i], wall_ns);
	}
	for (uint32_t i = 0; i < admission->ban_count; i++) {
		struct ban *ban = &admission->bans[i];

		if (!ban->unsaved && ban->until_ns > wall_ns &&
		    !is_among(bans, count, ban->network)) {
			ban->until_ns = wall_ns;
		}
	}
}

uint32_t admission_copy_new_bans(const struct admission *admission, uint32_t seen, int64_t wall_ns,
				 struct peer_network *networks)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < admission->ban_count; i++) {
		const struct ban *ban = &admission->bans[i];

		if ((int32_t)(ban->made - seen) > 0 && ban->until_ns > wall_ns) {
			networks[count++] = ban->network;
		}
	}
	return count;
}

static const struct guesses *find_guesses(const struct admission *admission,
					  struct peer_address peer)
{
	struct peer_address owner = peer_address_owner(peer);

	for (uint32_t i = 0; i < admission->guesses_count; i++) {
		const struct guesses *guesses = &admission->guesses[i];

		if (guesses->wrong > 0 && peer_address_equal(guesses->owner, owner)) {
			return guesses;
		}
	}
	return NULL;
}

int64_t admission_penalty(const struct admission *admission, struct peer_address peer,
			  int64_t now_ns)
{
	const struct guesses *guesses = find_guesses(admission, peer);

	return guesses && guesses->until_ns > now_ns ? guesses->until_ns - now_ns : 0;
}

/* An entry for an address: one that was never used, a free one, or else the oldest. */
static struct guesses *take_guesses(struct admission *admission, struct peer_address peer)
{
	struct guesses *taken = &admission->guesses[0];

	if (admission->guesses_count < ADMISSION_GUESSES_MAX) {
		taken = &admission->guesses[admission->guesses_count++];
	}
	for (uint32_t i = 0; i < admission->guesses_count && taken->wrong > 0; i++) {
		struct guesses *other = &admission->guesses[i];

		if (other->wrong == 0 || other->until_ns < taken->until_ns) {
			taken = other;
		}
	}
	taken->wrong = 0; /* free, should we die in between */
	taken->owner = peer_address_owner(peer);
	return taken;
}

/* The penalty for so many wrong ones. */
static int64_t guess_penalty(uint32_t wrong)
{
	int64_t penalty_ns = GUESS_PENALTY_FIRST_NS;

	if (wrong < GUESSES_FREE) {
		return 0;
	}
	for (uint32_t i = GUESSES_FREE; i < wrong && penalty_ns < GUESS_PENALTY_MOST_NS; i++) {
		penalty_ns *= 2;
	}
	return penalty_ns < GUESS_PENALTY_MOST_NS ? penalty_ns : GUESS_PENALTY_MOST_NS;
}

void admission_wrong_password(struct admission *admission, struct peer_address peer, int64_t now_ns)
{
	const struct guesses *found = find_guesses(admission, peer);
	struct guesses *guesses = found ? &admission->guesses[found - admission->guesses]
					: take_guesses(admission, peer);
	uint32_t wrong = guesses->wrong == UINT32_MAX ? UINT32_MAX : guesses->wrong + 1;

	guesses->until_ns = now_ns + guess_penalty(wrong);
	guesses->wrong = wrong;
}

void admission_right_password(struct admission *admission, struct peer_address peer)
{
	const struct guesses *guesses = find_guesses(admission, peer);

	if (guesses) {
		admission->guesses[guesses - admission->guesses].wrong = 0;
	}
}

/* It was let in to be looked at, so the penalty of those before it was over. */
void admission_unseen_password(struct admission *admission, struct peer_address peer,
			       int64_t now_ns)
{
	const struct guesses *found = find_guesses(admission, peer);

	if (found) {
		struct guesses *guesses = &admission->guesses[found - admission->guesses];

		guesses->wrong--;
		guesses->until_ns = now_ns;
	}
}

/* The mute of an address, or else one that is over by NOW_NS, or one that was never used. */
static struct mute *take_mute(struct admission *admission, struct peer_address owner,
			      int64_t now_ns)
{
	struct mute *taken = NULL;

	for (uint32_t i = 0; i < admission->mute_count; i++) {
		struct mute *mute = &admission->mutes[i];

		if (peer_address_equal(mute->owner, owner)) {
			return mute;
		}
		if (!taken && mute->until_ns <= now_ns) {
			taken = mute;
		}
	}
	if (!taken && admission->mute_count < ADMISSION_MUTES_MAX) {
		taken = &admission->mutes[admission->mute_count++];
	}
	return taken;
}

bool admission_mute(struct admission *admission, struct peer_address peer, int64_t until_ns,
		    int64_t now_ns)
{
	struct peer_address owner = peer_address_owner(peer);
	struct mute *mute = take_mute(admission, owner, now_ns);

	if (!mute) {
		return false;
	}
	mute->until_ns = 0; /* nobody is muted, should we die in between */
	mute->owner = owner;
	mute->until_ns = until_ns;
	atomic_fetch_add(&admission->mutes_made, 1);
	return true;
}

int64_t admission_muted_until(const struct admission *admission, struct peer_address peer)
{
	struct peer_address owner = peer_address_owner(peer);

	for (uint32_t i = 0; i < admission->mute_count; i++) {
		if (peer_address_equal(admission->mutes[i].owner, owner)) {
			return admission->mutes[i].until_ns;
		}
	}
	return 0;
}

uint32_t admission_copy_bans(const struct admission *admission, struct ban *bans)
{
	memcpy(bans, admission->bans, admission->ban_count * sizeof(*bans));
	return admission->ban_count;
}

void admission_note_saved(struct admission *admission, const struct ban *bans, uint32_t count)
{
	uint32_t unsaved = 0;

	for (uint32_t i = 0; i < admission->ban_count; i++) {
		struct ban *ban = &admission->bans[i];

		if (i < count && bans[i].unsaved && bans[i].until_ns == ban->until_ns &&
		    peer_network_equal(bans[i].network, ban->network)) {
			ban->unsaved = false;
		}
		unsaved += ban->unsaved;
	}
	admission->bans_unsaved = unsaved;
}

static void hash_owner(const struct admission *admission, struct peer_address peer,
		       uint64_t hash[2])
{
	struct peer_address owner = peer_address_owner(peer);

	hash_table_hash(&admission->counts, owner.bytes, sizeof(owner.bytes), hash);
}

/* Whether one more was counted in, where its address has fewer than MOST. */
static bool count_below(struct admission *admission, struct peer_address peer, uint32_t most)
{
	uint64_t hash[2];

	if (admission->most == 0) {
		return true;
	}
	hash_owner(admission, peer, hash);
	struct connections *there = hash_table_find(&admission->counts, hash);

	if (there->count >= most) {
		return false;
	}
	memcpy(there->peer_hash, hash, sizeof(hash));
	there->count++;
	return true;
}

bool admission_enter(struct admission *admission, struct peer_address peer)
{
	return count_below(admission, peer, admission->most);
}

void admission_count(struct admission *admission, struct peer_address peer)
{
	(void)count_below(admission, peer, UINT32_MAX);
}

void admission_leave(struct admission *admission, struct peer_address peer)
{
	uint64_t hash[2];

	if (admission->most == 0) {
		return;
	}
	hash_owner(admission, peer, hash);
	struct connections *there = hash_table_find(&admission->counts, hash);

	if (there->count > 0 && --there->count == 0) {
		hash_table_remove(&admission->counts, there);
	}
}

void admission_clear(struct admission *admission)
{
	hash_table_clear(&admission->counts);
}
