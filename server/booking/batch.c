#include "server/booking/batch.h"

#include <stdio.h>
#include <string.h>

#include "db/booking/lapse.h"
#include "db/booking/limit.h"
#include "db/booking/offer.h"
#include "db/booking/waiters.h"
#include "db/open.h"
#include "db/store/batches.h"
#include "db/store/holder.h"
#include "server/booking/back_off.h"
#include "server/booking/board.h"
#include "server/booking/opening.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define LAPSES_MAX    512               /* holds that lapse in one batch */
#define LOOK_NS       NS_PER_SECOND     /* how often to look for what others changed */
#define TOLD_NS       (100 * NS_PER_MS) /* how often at most when the store tells of it */
#define NUMBER_NS     (250 * NS_PER_MS) /* how often waiters are told their positions at most */
#define LOCK_WAIT_NS  (2 * NS_PER_SECOND)
#define STINT_NS      (500 * NS_PER_MS) /* with the lock, while others wait for it */
#define LET_OTHERS_NS NS_PER_MS         /* then, for one of them to take it */
#define HELD_LONG_NS  NS_PER_SECOND     /* a holder that is well is through in milliseconds */

/* Batches */

/* The slot of a new offer: published, like the answers, when the batch is committed. */
static struct booking_offer *slot_for_offer(void *context, uint32_t worker)
{
	struct batcher *batcher = context;
	struct booking_offers *offers = &batcher->queue->offers[worker];

	if (worker >= batcher->queue->workers) {
		return NULL; /* the store says so, and somebody else may have written there */
	}
	if (offers->written - offers->taken == BOOKING_QUEUE_OFFERS) {
		return NULL;
	}
	return &offers->slots[offers->written++ % BOOKING_QUEUE_OFFERS];
}

struct booking_limits batch_limits(const struct options *options)
{
	return (struct booking_limits){ .quantity = options->max_quantity,
					.held = options->max_held };
}

/* Requests with one key */

/* Whether the request under way lay unread while its client asked elsewhere, and was refused. */
static bool is_overtaken(void *context)
{
	const struct batcher *batcher = context;
	const struct booking_slot *slot = batcher->slot;

	return refusals_overtook(&batcher->queue->refusals, slot->request.key, slot->session,
				 slot->since_ns);
}

/* Who hears that nothing was done must not find it done later by a request that came before. */
static void note_refusal(struct booking_queue *queue, const struct booking_slot *slot)
{
	if (slot->request.key[0] != '\0' && slot->answer.outcome != BOOKING_DONE &&
	    slot->answer.outcome != BOOKING_UNCLEAR) {
		refusals_note(&queue->refusals, slot->request.key, slot->session,
			      clock_monotonic_ns());
	}
}

/* Under which this server is known to others that have the store. */
static uint32_t server_of(const struct batcher *batcher)
{
	return booking_server_of(batcher->shared->directory->next_session);
}

static struct booking_context rules_of(struct batcher *batcher)
{
	return (struct booking_context){ .store = batcher->store,
					 .waitlist = &batcher->queue->waitlist,
					 .claims = &batcher->queue->claims,
					 .server = server_of(batcher),
					 .wall_ns = clock_deadlines_ns(),
					 .limits = batch_limits(batcher->shared->options),
					 .offer = slot_for_offer,
					 .overtaken = is_overtaken,
					 .context = batcher };
}

static void wake_loop(struct batcher *batcher, uint32_t worker)
{
	(void)waker_wake(&batcher->shared->scoreboard->scores[worker].waker);
}

static void publish(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;

	for (uint32_t i = 0; i < queue->workers; i++) {
		struct booking_ring *ring = &queue->rings[i];
		struct booking_offers *offers = &queue->offers[i];

		if (queue->batch.end[i] <= ring->answered && offers->written == offers->published) {
			continue;
		}
		atomic_store_explicit(&ring->answered, queue->batch.end[i], memory_order_release);
		atomic_store_explicit(&offers->published, offers->written, memory_order_release);
		wake_loop(batcher, i);
	}
	atomic_store(&queue->answered_ns, clock_monotonic_ns());
	atomic_store(&queue->batch.state, BATCH_NONE);
}

/* The batch is not in the store and never will be: its traces on the queue go. */
static void undo_batch(struct booking_queue *queue)
{
	waitlist_roll_back(&queue->waitlist);
	claims_roll_back(&queue->claims);
	for (uint32_t i = 0; i < queue->workers; i++) {
		queue->offers[i].written = queue->offers[i].published;
	}
}

/*
 * A batch that is not in the store may come back: a clerk that died amid its commit left it in
 * SQLite's log, which is read anew when all processes with the store have ended. So its place there
 * is written over, before its requests are carried out anew. False: the store failed.
 */
static bool bar_return(struct batcher *batcher)
{
	const struct booking_queue *queue = batcher->queue;
	struct store *store = batcher->store;
	bool good = store_begin(store) == STORE_OK &&
		    store_batch_mark(store, queue->server, -queue->batch.number) == STORE_OK &&
		    store_commit(store) == STORE_OK;

	if (!good) {
		store_rollback(store);
	}
	return good;
}

/*
 * A predecessor may have died between its commit and its answers. If the store has its batch, the
 * answers in the slots are good; if not, they never were, and the requests are carried out anew.
 */
static bool settle_predecessor(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	int64_t last = 0;

	if (atomic_load(&queue->batch.state) == BATCH_NONE) {
		return true;
	}
	if (store_batch_last(batcher->store, queue->server, &last) != STORE_OK) {
		return false;
	}
	bool committed = queue->batch.state == BATCH_COMMITTED && last >= queue->batch.number;

	log_info("batch %lld, whose %s, is %s", (long long)queue->batch.number,
		 queue->batch.unclear ? "commit failed" : "clerk died",
		 committed ? "in the store" : "carried out anew");
	waitlist_repair(&queue->waitlist);
	claims_repair(&queue->claims);
	queue->next_expiry_ns = 0;
	if (committed) {
		queue->unseen |= !board_fill(batcher->store, batcher->shared->board);
		waitlist_commit(&queue->waitlist);
		claims_commit(&queue->claims);
		queue->batch.unclear = false;
		publish(batcher);
	} else {
		if (queue->batch.state == BATCH_COMMITTED && !queue->batch.unclear) {
			queue->batch.unclear = !bar_return(batcher);
		}
		undo_batch(queue);
		atomic_store(&queue->batch.state, BATCH_NONE);
	}
	return true;
}

static void begin_batch(struct booking_queue *queue)
{
	for (uint32_t i = 0; i < queue->workers; i++) {
		queue->batch.end[i] = queue->rings[i].answered;
		queue->offers[i].written = queue->offers[i].published;
	}
	atomic_store(&queue->batch.state, BATCH_CARRIED_OUT);
}

/*
 * The ring whose next request, from ENDS on, came before those of all others; NULL when none has
 * any.
 */
static struct booking_ring *earliest(struct booking_queue *queue, const uint64_t *ends,
				     uint64_t *at)
{
	struct booking_ring *first = NULL;
	uint64_t arrival = UINT64_MAX;

	for (uint32_t i = 0; i < queue->workers; i++) {
		struct booking_ring *ring = &queue->rings[i];
		uint64_t next = ends[i];

		if (next < atomic_load_explicit(&ring->submitted, memory_order_acquire) &&
		    ring->slots[next % BOOKING_QUEUE_SLOTS].arrival < arrival) {
			arrival = ring->slots[next % BOOKING_QUEUE_SLOTS].arrival;
			first = ring;
			*at = next;
		}
	}
	return first;
}

/* What others did in the store is looked for: what is theirs and they are gone, what is free. */
static bool is_looked_through(const struct booking_queue *queue)
{
	return queue->next_expiry_ns == 0;
}

/*
 * Tells the store what the requests in the rings will need; returns how many of them it looked at.
 * What comes later is for the next batch: it would wait for the store.
 */
static unsigned foresee(struct batcher *batcher, const struct booking_context *rules)
{
	struct booking_queue *queue = batcher->queue;
	struct store_needs *needs = &batcher->needs;
	uint64_t ends[OPTIONS_WORKERS_MAX] = { 0 };
	struct booking_ring *ring;
	unsigned seen = 0;
	uint64_t at;

	if (!store_asks_needs(batcher->store)) {
		return batcher->most;
	}
	*needs = (struct store_needs){ .server = queue->server, .gone = is_looked_through(queue) };
	booking_waiters_foresee(rules, needs->gone, needs);
	for (uint32_t i = 0; i < queue->workers; i++) {
		ends[i] = queue->rings[i].answered;
	}
	while (seen < batcher->most && (ring = earliest(queue, ends, &at))) {
		ends[ring - queue->rings] = at + 1;
		booking_foresee(rules, &ring->slots[at % BOOKING_QUEUE_SLOTS].request, needs);
		seen++;
	}
	store_foresee(batcher->store, needs);
	return seen;
}

/*
 * Carries out what lies in the rings, MOST of it, in the order in which it came, whichever ring it
 * lies in: who asks again on another worker is behind the first request. Returns how many.
 */
static unsigned carry_out_all(struct batcher *batcher, const struct booking_context *rules,
			      unsigned most, bool *failed)
{
	struct booking_queue *queue = batcher->queue;
	struct booking_ring *ring;
	unsigned done = 0;
	uint64_t at;

	while (done < most && !*failed && (ring = earliest(queue, queue->batch.end, &at))) {
		struct booking_slot *slot = &ring->slots[at % BOOKING_QUEUE_SLOTS];

		queue->batch.end[ring - queue->rings] = at + 1;
		if (booking_slot_take(slot)) {
			batcher->slot = slot;
			booking_carry_out(rules, &slot->request, &slot->answer);
			*failed = slot->answer.outcome == BOOKING_FAILED;
			done++;
		} else {
			slot->answer.outcome = BOOKING_HINDERED;
		}
		note_refusal(queue, slot);
	}
	return done;
}

/* Nothing can be begun: all who wait are to be told so. */
static void take_all(struct booking_queue *queue)
{
	for (uint32_t i = 0; i < queue->workers; i++) {
		queue->batch.end[i] =
			atomic_load_explicit(&queue->rings[i].submitted, memory_order_acquire);
	}
}

/* What comes back by itself: by time, or, when the store was changed behind our back, elsewhere. */
static bool lapse(struct booking_queue *queue, const struct booking_context *rules)
{
	bool changed_elsewhere = is_looked_through(queue);
	int64_t ahead_ns = rules->wall_ns - clock_deadlines_ns();
	int64_t next_ns;

	if (!booking_lapse(rules, LAPSES_MAX, &next_ns) ||
	    (changed_elsewhere && !(booking_lapse_gone(rules) && booking_offer_all(rules)))) {
		return false;
	}
	/* The store's clock may go otherwise than ours, by which we wait. */
	atomic_store(&queue->next_expiry_ns, next_ns == INT64_MAX ? next_ns : next_ns - ahead_ns);
	return true;
}

/*
 * Refusals and answers to questions are good without a commit: all that they rest on is on disk,
 * since who holds the lock has committed it, or asked the store for it. Should the clerk die while
 * it publishes them, its successor does again what nobody was told. A batch that may be in the
 * store after a failed commit is always written again, over what is left of it.
 */
static bool has_nothing_to_commit(const struct batcher *batcher)
{
	return !store_has_changes(batcher->store) && !batcher->queue->batch.unclear;
}

static bool commit(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;

	queue->batch.number++;
	atomic_store(&queue->batch.state, BATCH_COMMITTED);
	if (store_batch_mark(batcher->store, queue->server, queue->batch.number) != STORE_OK ||
	    store_commit(batcher->store) != STORE_OK) {
		return false;
	}
	queue->batch.unclear = false;
	batcher->commits++;
	score_add(batcher->score, COUNTER_COMMITS, 1);
	return true;
}

/* Tells all who were in the batch that it failed, or that nobody knows. */
static void answer_failure(struct batcher *batcher, enum booking_outcome outcome)
{
	struct booking_queue *queue = batcher->queue;

	undo_batch(queue);
	for (uint32_t i = 0; i < queue->workers; i++) {
		struct booking_ring *ring = &queue->rings[i];

		for (uint64_t at = ring->answered; at < queue->batch.end[i]; at++) {
			struct booking_slot *slot = &ring->slots[at % BOOKING_QUEUE_SLOTS];

			slot->answer.outcome = outcome;
			note_refusal(queue, slot);
		}
	}
	queue->unseen |= outcome == BOOKING_UNCLEAR;
	queue->batch.unclear = false;
	publish(batcher);
}

enum booking_outcome batch_failure(const struct batcher *batcher)
{
	switch (store_hindrance(batcher->store)) {
	case STORE_WRITTEN: return BOOKING_WRITTEN;
	case STORE_READ: return BOOKING_READ;
	case STORE_AWAY: return BOOKING_AWAY;
	case STORE_FREE:
	case STORE_HELD: break;
	}
	return BOOKING_FAILED;
}

/*
 * A commit that failed may be there all the same, or come back after a crash. The first time it is
 * left as if its clerk had died: who has the store open anew asks for the batch, and either answers
 * it or writes it again, over what is left of it. When that fails too, who asked is told so.
 */
static void note_failure(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	bool unclear = store_is_unclear(batcher->store);

	store_rollback(batcher->store);
	if (unclear && !queue->batch.unclear) {
		queue->batch.unclear = true;
	} else {
		answer_failure(batcher, unclear || queue->batch.unclear ? BOOKING_UNCLEAR
									: batch_failure(batcher));
	}
}

/* A database that cannot be opened will be there again; a file that cannot is broken. */
static enum booking_outcome nothing_done(const struct batcher *batcher)
{
	return store_is_file(batcher->shared->options->store) ? BOOKING_FAILED : BOOKING_AWAY;
}

/* A batch whose commit was begun, by whomever, may be in the store. */
void batch_give_up(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	struct mutex *lock = batcher->shared->store_lock;

	if (mutex_lock_within(lock, LOCK_WAIT_NS, NULL) != MUTEX_TAKEN) {
		return;
	}
	bool unclear = queue->batch.state == BATCH_COMMITTED;

	if (queue->batch.state != BATCH_NONE) {
		waitlist_repair(&queue->waitlist);
		queue->next_expiry_ns = 0;
	}
	if (!unclear) {
		begin_batch(queue);
		queue->batch.end[batcher->worker] = queue->rings[batcher->worker].submitted;
	}
	answer_failure(batcher, unclear ? BOOKING_UNCLEAR : nothing_done(batcher));
	mutex_unlock(lock);
}

/* Tells the waiters their positions now and then, not with every change. */
static void number_waiters(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	int64_t now_ns = clock_monotonic_ns();

	if (now_ns - queue->numbered_ns >= NUMBER_NS && waitlist_number(&queue->waitlist)) {
		queue->numbered_ns = now_ns;
		for (uint32_t i = 0; i < queue->workers; i++) {
			wake_loop(batcher, i);
		}
	}
}

/* With the lock held: one transaction of what there is. False when the store failed. */
static bool serve_batch(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	struct booking_context rules = rules_of(batcher);
	const unsigned most = foresee(batcher, &rules);
	bool failed = store_begin(batcher->store) != STORE_OK;
	unsigned done = 0;

	begin_batch(queue);
	if (!failed) {
		rules.wall_ns = store_wall_ns(batcher->store, rules.wall_ns);
		failed = !booking_waiters_read(&rules);
	}
	if (failed) {
		take_all(queue);
	} else {
		booking_limit_tidy(&rules);
		done = carry_out_all(batcher, &rules, most, &failed);
	}
	failed = failed || !lapse(queue, &rules) || !booking_waiters_write(&rules);
	if (!failed && has_nothing_to_commit(batcher)) {
		store_rollback(batcher->store);
	} else if (failed || !commit(batcher)) {
		note_failure(batcher);
		return false;
	}
	queue->servers_settled = queue->servers_seen;
	back_off_end_hindered(&queue->hindered);
	score_add(batcher->score, COUNTER_BATCHED, done);
	board_show_changes(batcher->store, batcher->shared->board);
	waitlist_commit(&queue->waitlist);
	claims_commit(&queue->claims);
	publish(batcher);
	number_waiters(batcher);
	return true;
}

static bool has_work(const struct booking_queue *queue)
{
	return booking_queue_has_work(queue) || queue->hindered ||
	       queue->next_expiry_ns <= clock_deadlines_ns();
}

/*
 * Adds how long the lock is held, since it was taken or since this was called last: after each
 * batch, since in a rush there is always one more, and one clerk has it for seconds.
 */
static void count_held(struct batcher *batcher)
{
	_Atomic uint64_t *held_ns = &batcher->score->lock_held_ns;
	const int64_t now_ns = clock_monotonic_ns();

	atomic_store_explicit(held_ns,
			      atomic_load_explicit(held_ns, memory_order_relaxed) +
				      (uint64_t)(now_ns - batcher->taken_ns),
			      memory_order_relaxed);
	batcher->taken_ns = now_ns;
}

bool batch_is_over(const struct batcher *batcher)
{
	return batcher->stopping ||
	       (batcher->yields && !booking_queue_has_work_of(batcher->queue, batcher->worker));
}

/*
 * Other processes wait for the lock, and in a rush there would never be nothing to do: another
 * server, a tool, or a binary that is to take over. Which of them died waiting nobody knows: then a
 * pause is for nothing.
 */
static bool is_to_let_others(struct batcher *batcher, int64_t since_ns)
{
	batcher->lets_others = atomic_load(&store_mutex(batcher->store)->waiting) > 0 &&
			       clock_monotonic_ns() - since_ns >= STINT_NS;
	return batcher->lets_others;
}

static bool has_more_to_do(struct batcher *batcher, int64_t since_ns)
{
	return has_work(batcher->queue) && !batch_is_over(batcher) &&
	       !is_to_let_others(batcher, since_ns);
}

/*
 * With the lock held. Serves until nothing is left or others are to have it, and says that somebody
 * is at work meanwhile.
 */
static bool serve_all(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	const int64_t since_ns = batcher->taken_ns;
	bool good = true;

	batcher->lets_others = false;
	while (good && has_more_to_do(batcher, since_ns)) {
		atomic_store(&queue->serving, batcher->worker + 1);
		while (good && has_more_to_do(batcher, since_ns)) {
			good = serve_batch(batcher) && store_tend(batcher->store) == STORE_OK;
			count_held(batcher);
			batcher->stopping |= batcher->only_one;
		}
		/* First this, then one look more: see booking_queue_call. */
		atomic_store(&queue->serving, 0);
		atomic_thread_fence(memory_order_seq_cst);
	}
	number_waiters(batcher);
	return good;
}

/*
 * Says that this server is there, and looks what others changed in the store: about once a second,
 * since what the clerks of our other workers committed looks the same. At once with a new handle,
 * which knows nothing of what they changed before. And at once what became of a
 * commit that failed, when who was in it was told that nobody knows: who asks again is told, and
 * the board has to agree.
 */
static bool look_around(struct batcher *batcher)
{
	int64_t now_ns = clock_monotonic_ns();
	const bool unseen = batcher->queue->unseen || batcher->new_handle;
	const int64_t rest_ns = store_was_told(batcher->store) ? TOLD_NS : LOOK_NS;

	if (!unseen && now_ns - batcher->queue->looked_ns < rest_ns) {
		return true;
	}
	batcher->queue->looked_ns = now_ns;
	if (store_renew(batcher->store, server_of(batcher)) != STORE_OK) {
		return false;
	}
	batcher->queue->servers_seen = store_servers(batcher->store);
	if (batcher->queue->servers_seen != batcher->queue->servers_settled) {
		batcher->queue->next_expiry_ns = 0; /* what is tied to those that are gone */
	}
	if (store_changed_elsewhere(batcher->store) || unseen) {
		batcher->new_handle = false;
		batcher->queue->unseen = !board_fill(batcher->store, batcher->shared->board);
		batcher->queue->next_expiry_ns = 0;
		batcher->queue->bans_due = store_tells(batcher->store);
		wake_loop(batcher, batcher->worker);
	}
	return true;
}

static void wake_all(struct batcher *batcher)
{
	for (uint32_t i = 0; i < batcher->queue->workers; i++) {
		wake_loop(batcher, i);
	}
}

/* What changed where several machines share the store may be a ban: once a second at most. */
static bool look_at_bans(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	const struct admission *admission = batcher->shared->directory->admission;
	const uint32_t made = admission->bans_made;
	int64_t now_ns = clock_monotonic_ns();

	if (!queue->bans_due || now_ns - queue->bans_looked_ns < LOOK_NS) {
		return true;
	}
	queue->bans_due = false;
	queue->bans_looked_ns = now_ns;
	if (!archive_learn_bans(batcher->shared, batcher->store)) {
		return false;
	}
	if (admission->bans_made != made) {
		wake_all(batcher);
	}
	return true;
}

/* One of our own that holds it for long is the master's business. */
bool batch_note_holder(struct batcher *batcher)
{
	const struct shared_state *shared = batcher->shared;
	char why[STORE_ERROR_SIZE];
	struct store_holder holder;

	if (!store_holder_find(shared->store_lock, &holder) || holder.held_ns < HELD_LONG_NS ||
	    scoreboard_has(shared->scoreboard, holder.pid)) {
		return false;
	}
	(void)store_held(shared->store_lock, store_file_of(shared->options->store), why);
	back_off_note_hindered(&batcher->queue->hindered, why);
	return true;
}

bool batch_take(struct batcher *batcher)
{
	int64_t before_ns = clock_monotonic_ns();
	bool taken = store_take(batcher->store, LOCK_WAIT_NS);

	batcher->taken_ns = clock_monotonic_ns();
	histogram_add(&batcher->score->lock_wait_ns, (uint64_t)(batcher->taken_ns - before_ns));
	if (!taken) {
		(void)batch_note_holder(batcher);
	}
	return taken;
}

void batch_give(struct batcher *batcher)
{
	count_held(batcher);
	store_give(batcher->store);
}

void batch_note_hindrance(struct batcher *batcher)
{
	if (store_hindrance(batcher->store) != STORE_FREE &&
	    store_hindrance(batcher->store) != STORE_AWAY) {
		back_off_note_hindered(&batcher->queue->hindered, store_error(batcher->store));
	}
}

/*
 * The store was not there when the server started: whichever clerk comes first with it does what
 * was to be done then.
 */
static bool open_sales(struct batcher *batcher)
{
	struct booking_queue *queue = batcher->queue;
	char why[STORE_ERROR_SIZE];

	if (!queue->awaited) {
		return true;
	}
	if (!opening_do(batcher->shared, batcher->store, why)) {
		return false;
	}
	queue->next_expiry_ns = 0;
	atomic_store(&queue->awaited, false);
	wake_all(batcher);
	return true;
}

bool batch_serve(struct batcher *batcher)
{
	bool good;

	if (!batch_take(batcher)) {
		return true;
	}
	good = open_sales(batcher) && settle_predecessor(batcher);
	good = good && look_around(batcher) && look_at_bans(batcher) && serve_all(batcher);
	if (good && archive_is_due(batcher->shared) && !store_is_pressed(batcher->store)) {
		good = batch_keep_chat(batcher);
	}
	if (!good) {
		batch_note_hindrance(batcher);
	}
	batch_give(batcher);
	if (batcher->lets_others) {
		clock_sleep(LET_OTHERS_NS);
	}
	return good;
}

bool batch_keep_chat(struct batcher *batcher)
{
	bool good = archive_keep(batcher->archive, batcher->store);

	batcher->commits += good;
	return good;
}

int64_t batch_wait_at_most(const struct booking_queue *queue, bool tells)
{
	int64_t next_ns = queue->next_expiry_ns;
	int64_t wait_ns = next_ns == INT64_MAX ? LOOK_NS : next_ns - clock_deadlines_ns();
	int64_t most_ns = queue->waitlist.changed ? NUMBER_NS : LOOK_NS;

	if (tells) { /* somebody has to listen */
		most_ns = TOLD_NS;
	}

	if (wait_ns > most_ns) {
		wait_ns = most_ns;
	}
	return wait_ns > 0 ? wait_ns : 0;
}

void batch_init(struct batcher *batcher, struct shared_state *shared, uint32_t worker)
{
	memset(batcher, 0, sizeof(*batcher));
	batcher->shared = shared;
	batcher->queue = shared->queue;
	batcher->score = &shared->scoreboard->scores[worker];
	batcher->worker = worker;
	batcher->most = BATCH_MAX;
	batcher->archive = archive_create(shared);
}

/*
 * The first of all that open it may make what is to be in a database; from then on it must be that
 * one.
 */
static struct store *open_it(struct batcher *batcher, char *why)
{
	struct booking_queue *queue = batcher->queue;
	const char *url = batcher->shared->options->store;

	if (queue->identity != 0) {
		store_expect(url, queue->identity);
	}
	struct store *store = queue->identity == 0 && queue->awaited
				      ? store_open(url, why)
				      : store_open_made(url, LOCK_WAIT_NS, why);

	if (store) {
		atomic_store(&queue->identity, store_identity(url));
	}
	return store;
}

/*
 * While the old handle's files have lost their names, there is nothing that a new one could open.
 */
bool batch_open(struct batcher *batcher, char *why)
{
	if (batcher->store && !store_is_in_place(batcher->store)) {
		(void)snprintf(why, STORE_ERROR_SIZE, "%s", store_error(batcher->store));
		return false;
	}
	struct store *store = open_it(batcher, why);

	if (store) {
		store_close(batcher->store);
		batcher->store = store;
		batcher->new_handle = true;
		atomic_store(&batcher->queue->refused, 0);
	}
	return store;
}

/* The last second of chat is kept, too. */
void batch_close(struct batcher *batcher)
{
	struct store *store = batcher->store;

	if (store && !batcher->only_one && store_take(store, LOCK_WAIT_NS)) {
		if (!batch_keep_chat(batcher)) {
			log_error("the last of the chat is not kept: %s", store_error(store));
		}
		store_give(store);
	}
	store_close(store);
	archive_destroy(batcher->archive);
}
