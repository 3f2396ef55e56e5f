#include "server/booking/auditor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking/event.h"
#include "db/open.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/sync/latch.h"

#define COUNT_NS (5 * NS_PER_SECOND) /* a count that takes longer is given up: the log grows */
#define EARLY_NS (5 * NS_PER_MS)     /* before it is tried again */
#define LOOK_NS  (100 * NS_PER_MS)   /* while others count: how often to look whether to stop */

/* The loop and the thread hand lists to each other whole, so neither ever waits for the other. */
struct auditor {
	struct shared_state *shared;
	uint32_t worker;
	bool started;
	bool failing; /* the thread's own: the last count failed */
	bool early;   /* likewise: of a batch not all is known yet */
	pthread_t thread;
	int64_t until_ns;   /* monotonic: when the count under way is given up */
	struct latch asks;  /* there is something in `asked`, or it is to stop */
	struct latch stops; /* set for good */
	_Atomic(struct audit *) asked;
	_Atomic(struct audit *) answered;
};

static void push(_Atomic(struct audit *) *list, struct audit *audit)
{
	struct audit *first = atomic_load(list);

	do {
		audit->next = first;
	} while (!atomic_compare_exchange_weak(list, &first, audit));
}

static struct audit *take_all(_Atomic(struct audit *) *list)
{
	return atomic_exchange(list, NULL);
}

static void free_all(struct audit *audit)
{
	while (audit) {
		struct audit *next = audit->next;

		free(audit);
		audit = next;
	}
}

/* The thread */

/*
 * What a clerk has committed and not shown yet, since it died, is not counted before its successor
 * has, nor what came of a commit that failed before somebody looked: nobody is to be told by a
 * count what /left and /ticket do not know.
 */
static bool may_begin(void *context)
{
	struct auditor *auditor = context;
	const struct booking_queue *queue = auditor->shared->queue;

	auditor->early = atomic_load(&queue->batch.state) != BATCH_NONE || queue->unseen;
	return !auditor->early;
}

static bool may_go_on(void *context)
{
	struct auditor *auditor = context;

	return !latch_is_set(&auditor->stops) && clock_monotonic_ns() < auditor->until_ns;
}

/* Counts; what becomes of a question about an event that there is. */
static enum booking_outcome count(struct auditor *auditor, struct tallies *tallies)
{
	const struct store_count_leave leave = { may_begin, may_go_on, auditor };
	char why[STORE_ERROR_SIZE];
	enum store_result result = STORE_FAILED;

	auditor->until_ns = clock_deadline(COUNT_NS);
	do {
		auditor->early = false;
		result = store_count(auditor->shared->options->store, &leave, tallies, why);
	} while (auditor->early && may_go_on(auditor) && !latch_wait(&auditor->stops, EARLY_NS));

	if (result == STORE_FAILED && !auditor->failing) {
		log_error("the tickets cannot be counted: %s", why);
	}
	auditor->failing = result == STORE_FAILED;
	switch (result) {
	case STORE_OK: return BOOKING_DONE;
	case STORE_NONE: return BOOKING_BUSY;
	case STORE_FAILED: break;
	}
	return store_is_file(auditor->shared->options->store) ? BOOKING_FAILED : BOOKING_AWAY;
}

static void answer(struct audit *audit, enum booking_outcome outcome, const struct tallies *tallies)
{
	const struct tally *tally = tallies_find(tallies, audit->request.event);

	audit->answer = (struct booking_answer){ .outcome = outcome };
	if (outcome == BOOKING_DONE && tally) {
		booking_event_audit_of(tally, &audit->answer);
	} else if (outcome == BOOKING_DONE) {
		audit->answer.outcome = BOOKING_NOT_FOUND;
	}
}

/* Those who are there now share a count. */
static void count_for_all(struct auditor *auditor)
{
	struct tallies tallies = { .count = 0 };
	struct audit *audit = take_all(&auditor->asked);
	enum booking_outcome outcome = count(auditor, &tallies);

	while (audit) {
		struct audit *next = audit->next;

		answer(audit, outcome, &tallies);
		push(&auditor->answered, audit);
		audit = next;
	}
	tallies_finish(&tallies);
	(void)waker_wake(&auditor->shared->scoreboard->scores[auditor->worker].waker);
}

/* One at a time; whoever is next begins when this one has had its rest. */
static void serve(struct auditor *auditor)
{
	struct mutex *counting = &auditor->shared->queue->counting;

	if (mutex_lock_within(counting, LOOK_NS, NULL) != MUTEX_TAKEN) {
		return;
	}
	int64_t begun_ns = clock_monotonic_ns();

	count_for_all(auditor);
	(void)latch_wait(&auditor->stops, clock_monotonic_ns() - begun_ns);
	mutex_unlock(counting);
}

static void *run(void *argument)
{
	struct auditor *auditor = argument;

	while (!latch_is_set(&auditor->stops)) {
		(void)latch_wait(&auditor->asks, FUTEX_FOREVER);
		latch_clear(&auditor->asks);
		while (atomic_load(&auditor->asked) && !latch_is_set(&auditor->stops)) {
			serve(auditor);
		}
	}
	return NULL;
}

/* The loop */

struct auditor *auditor_create(struct shared_state *shared, uint32_t worker)
{
	struct auditor *auditor = calloc(1, sizeof(*auditor));

	if (!auditor) {
		die("out of memory");
	}
	auditor->shared = shared;
	auditor->worker = worker;
	return auditor;
}

void auditor_destroy(struct auditor *auditor)
{
	latch_set(&auditor->stops);
	latch_set(&auditor->asks);
	if (auditor->started) {
		pthread_join(auditor->thread, NULL);
	}
	free_all(auditor->asked);
	free_all(auditor->answered);
	free(auditor);
}

bool auditor_ask(struct auditor *auditor, const struct audit *question)
{
	struct audit *audit = malloc(sizeof(*audit));

	if (!auditor->started) {
		auditor->started = pthread_create(&auditor->thread, NULL, run, auditor) == 0;
	}
	if (!audit || !auditor->started) {
		free(audit);
		return false;
	}
	*audit = *question;
	push(&auditor->asked, audit);
	latch_set(&auditor->asks);
	return true;
}

struct audit *auditor_take_answers(struct auditor *auditor)
{
	return auditor_has_answers(auditor) ? take_all(&auditor->answered) : NULL;
}

bool auditor_has_answers(const struct auditor *auditor)
{
	return atomic_load_explicit(&auditor->answered, memory_order_acquire) != NULL;
}
