#include "db/booking/claims.h"

#include <string.h>

void claims_init(struct claims *claims)
{
	siphash_key_make(&claims->key);
}

static struct claim *at(struct claims *claims, uint32_t place)
{
	return place == 0 ? NULL : &claims->claims[place - 1];
}

static uint32_t place_of(const struct claims *claims, const struct claim *claim)
{
	return (uint32_t)(claim - claims->claims) + 1;
}

static uint32_t bucket_of(const struct claims *claims, struct booking_owner owner)
{
	return siphash(&claims->key, owner.bytes, sizeof(owner.bytes)) % CLAIMS_BUCKETS;
}

static bool is_of(const struct claim *claim, struct booking_owner owner)
{
	return memcmp(claim->owner.bytes, owner.bytes, sizeof(owner.bytes)) == 0;
}

static void push(struct claims *claims, uint32_t *list, struct claim *claim)
{
	claim->next = *list;
	*list = place_of(claims, claim);
}

static void make(struct claims *claims, struct claim *claim)
{
	atomic_store(&claim->state, CLAIM_MADE);
	push(claims, &claims->buckets[bucket_of(claims, claim->owner)], claim);
}

static void set_free(struct claims *claims, struct claim *claim)
{
	atomic_store(&claim->state, CLAIM_FREE);
	push(claims, &claims->free, claim);
	claims->count--;
}

static void set_dropped(struct claims *claims, struct claim *claim)
{
	atomic_store(&claim->state, CLAIM_DROPPED);
	push(claims, &claims->dropped, claim);
}

static struct claim *take_entry(struct claims *claims)
{
	struct claim *claim = at(claims, claims->free);

	if (claim) {
		claims->free = claim->next;
		return claim;
	}
	return claims->never_used < CLAIMS_MAX ? &claims->claims[claims->never_used++] : NULL;
}

bool claims_have_room(const struct claims *claims)
{
	return claims->count < CLAIMS_MAX;
}

bool claims_add(struct claims *claims, const struct claim *claim)
{
	struct claim *entry = take_entry(claims);

	if (!entry) {
		return false;
	}
	entry->owner = claim->owner;
	entry->quantity = claim->quantity;
	entry->ticket = claim->ticket;
	entry->mark = claim->mark;
	entry->waiter = claim->waiter;
	claims->count++;
	make(claims, entry);
	return true;
}

int64_t claims_sum(const struct claims *claims, struct booking_owner owner)
{
	uint32_t place = claims->buckets[bucket_of(claims, owner)];
	int64_t sum = 0;

	while (place != 0) {
		const struct claim *claim = &claims->claims[place - 1];

		sum += is_of(claim, owner) ? claim->quantity : 0;
		place = claim->next;
	}
	return sum;
}

void claims_drop(struct claims *claims, struct booking_owner owner, claim_stands *stands,
		 const void *context)
{
	uint32_t *link = &claims->buckets[bucket_of(claims, owner)];

	while (*link != 0) {
		struct claim *claim = &claims->claims[*link - 1];

		if (!is_of(claim, owner) || stands(context, claim)) {
			link = &claim->next;
		} else {
			*link = claim->next;
			set_dropped(claims, claim);
		}
	}
}

static void take_off(struct claims *claims, const struct claim *claim)
{
	uint32_t *link = &claims->buckets[bucket_of(claims, claim->owner)];

	while (*link != place_of(claims, claim)) {
		link = &at(claims, *link)->next;
	}
	*link = claim->next;
}

void claims_tidy(struct claims *claims, claim_stands *stands, const void *context)
{
	if (claims->count < CLAIMS_MAX - CLAIMS_RESERVE) {
		return;
	}
	for (uint32_t looks = 0; looks < CLAIMS_LOOKS; looks++) {
		struct claim *claim = &claims->claims[claims->hand];

		claims->hand = (claims->hand + 1) % claims->never_used;
		if (claim->state == CLAIM_MADE && !stands(context, claim)) {
			take_off(claims, claim);
			set_free(claims, claim);
		}
	}
}

/* Takes all that were dropped off their list, and does that with each. */
static void settle(struct claims *claims,
		   void (*settle_one)(struct claims *claims, struct claim *claim))
{
	struct claim *claim;

	while ((claim = at(claims, claims->dropped))) {
		claims->dropped = claim->next;
		settle_one(claims, claim);
	}
}

void claims_commit(struct claims *claims)
{
	settle(claims, set_free);
}

void claims_roll_back(struct claims *claims)
{
	settle(claims, make);
}

/* Who was dropped is dropped again when somebody asks. */
void claims_repair(struct claims *claims)
{
	memset(claims->buckets, 0, sizeof(claims->buckets));
	claims->free = 0;
	claims->dropped = 0;
	claims->count = claims->never_used;
	for (uint32_t i = 0; i < claims->never_used; i++) {
		struct claim *claim = &claims->claims[i];

		if (claim->state == CLAIM_FREE) {
			set_free(claims, claim);
		} else {
			make(claims, claim);
		}
	}
}
