#include "shared/sync/latch.h"

#define SET      UINT32_C(1)
#define ONE_MORE UINT32_C(2)

void latch_init(struct latch *latch)
{
	latch->word = 0;
}

void latch_set(struct latch *latch)
{
	uint32_t word = latch->word;

	while ((word & SET) == 0) {
		if (atomic_compare_exchange_weak(&latch->word, &word, (word + ONE_MORE) | SET)) {
			break;
		}
	}
	/* Also when it was set: who set it may have been killed before it woke anybody. */
	futex_wake(&latch->word, FUTEX_EVERYONE);
}

void latch_clear(struct latch *latch)
{
	atomic_fetch_and(&latch->word, ~SET);
}

bool latch_is_set(const struct latch *latch)
{
	return (latch->word & SET) != 0;
}

bool latch_wait(struct latch *latch, int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	const uint32_t before = latch->word;

	if ((before & SET) != 0) {
		return true;
	}
	while (latch->word == before) {
		if (futex_nap_ns(deadline_ns) == 0) {
			return false;
		}
		futex_nap(&latch->word, before, deadline_ns);
	}
	return true;
}
