/*
 * In a joinable queue three things change one after the other: who has how many open (their sum is
 * here called S), head and done. At rest S = head - done.
 *
 *   get         S + 1, then head + 1     killed in between: S is one too high. The record stays
 *   task_done   S - 1, then done + 1     S is too low: done follows
 *   the dead    S - n, then done + n     the same
 */
#include "shared/sync/queue.h"

#include <string.h>

#include "shared/base/log.h"

struct slot {
	uint64_t length;
	unsigned char bytes[];
};

static void repair(void *context, pid_t dead)
{
	struct queue *queue = context;
	uint64_t sum = holders_sum(&queue->takers);

	if (queue->kind == QUEUE_PLAIN) {
		return;
	}
	if (sum > queue->head - queue->done) {
		holders_undo(&queue->takers, dead);
	} else {
		queue->done = queue->head - sum;
	}
}

static struct mutex_repair repair_of(struct queue *queue)
{
	return (struct mutex_repair){ .run = repair, .context = queue };
}

static void lock(struct queue *queue)
{
	struct mutex_repair how = repair_of(queue);

	mutex_lock(&queue->mutex, &how);
}

static size_t slot_size(size_t record_max)
{
	return sizeof(struct slot) + ((record_max + 7) & ~(size_t)7);
}

size_t queue_size(size_t records_max, size_t record_max)
{
	size_t slots;
	size_t size;

	if (records_max == 0 || record_max > SIZE_MAX / 2 ||
	    __builtin_mul_overflow(records_max, slot_size(record_max), &slots) ||
	    __builtin_add_overflow(sizeof(struct queue), slots, &size)) {
		bug("a queue of %zu records of %zu bytes", records_max, record_max);
	}
	return size;
}

void queue_init(struct queue *queue, enum queue_kind kind, size_t records_max, size_t record_max)
{
	struct mutex_repair how = repair_of(queue);

	memset(queue, 0, sizeof(*queue));
	mutex_init(&queue->mutex, MUTEX_PLAIN);
	condition_init(&queue->not_empty, &queue->mutex, &how);
	condition_init(&queue->not_full, &queue->mutex, &how);
	condition_init(&queue->finished, &queue->mutex, &how);
	holders_init(&queue->takers);
	queue->kind = kind;
	queue->records_max = records_max;
	queue->record_max = record_max;
}

static struct slot *slot_of(struct queue *queue, uint64_t number)
{
	size_t place = (size_t)(number % queue->records_max);

	return (struct slot *)(void *)(queue->slots + place * slot_size(queue->record_max));
}

struct put {
	struct queue *queue;
	const void *record;
	size_t length;
};

static bool try_put(void *context)
{
	const struct put *put = context;
	struct queue *queue = put->queue;

	if (queue_length(queue) == queue->records_max) {
		return false;
	}
	struct slot *slot = slot_of(queue, queue->tail);
	slot->length = put->length;
	memcpy(slot->bytes, put->record, put->length);
	queue->tail++; /* now it is in */
	condition_notify(&queue->not_empty, 1);
	return true;
}

enum queue_result queue_put(struct queue *queue, const void *record, size_t length,
			    int64_t timeout_ns)
{
	struct put put = { .queue = queue, .record = record, .length = length };

	if (length > queue->record_max) {
		return QUEUE_TOO_LONG;
	}
	lock(queue);
	bool in = condition_wait_for(&queue->not_full, try_put, &put, timeout_ns);
	mutex_unlock(&queue->mutex);
	return in ? QUEUE_DONE : QUEUE_TIMED_OUT;
}

struct get {
	struct queue *queue;
	void *buffer;
	size_t size;
	size_t length;
};

/* Counts what the killed had open as done. */
static void bury_takers(struct queue *queue)
{
	uint32_t buried = holders_bury(&queue->takers);

	if (buried == 0) {
		return;
	}
	queue->done += buried;
	queue->lost += buried;
	if (queue->done == queue->tail) {
		condition_notify_all(&queue->finished);
	}
}

/* False when too many others have records open. */
static bool note_taker(struct queue *queue)
{
	if (queue->kind == QUEUE_PLAIN || holders_take(&queue->takers)) {
		return true;
	}
	bury_takers(queue);
	return holders_take(&queue->takers);
}

/* True also when the record is too long for the buffer: then it stays, for another to take. */
static bool try_get(void *context)
{
	struct get *get = context;
	struct queue *queue = get->queue;

	if (queue_length(queue) == 0) {
		return false;
	}
	const struct slot *slot = slot_of(queue, queue->head);
	get->length = slot->length;
	if (get->length > get->size) {
		condition_notify(&queue->not_empty, 1);
		return true;
	}
	memcpy(get->buffer, slot->bytes, get->length);
	if (!note_taker(queue)) {
		return false;
	}
	queue->head++; /* now it is the caller's */
	condition_notify(&queue->not_full, 1);
	return true;
}

enum queue_result queue_get(struct queue *queue, void *buffer, size_t size, size_t *length,
			    int64_t timeout_ns)
{
	struct get get = { .queue = queue, .buffer = buffer, .size = size };

	lock(queue);
	bool found = condition_wait_for(&queue->not_empty, try_get, &get, timeout_ns);
	mutex_unlock(&queue->mutex);
	if (!found) {
		return QUEUE_TIMED_OUT;
	}
	*length = get.length;
	return get.length > size ? QUEUE_TOO_LONG : QUEUE_DONE;
}

enum queue_result queue_task_done(struct queue *queue)
{
	lock(queue);
	bool taken = holders_give(&queue->takers);
	if (taken) {
		queue->done++;
		if (queue->done == queue->tail) {
			condition_notify_all(&queue->finished);
		}
	}
	mutex_unlock(&queue->mutex);
	return taken ? QUEUE_DONE : QUEUE_TOO_OFTEN;
}

static bool is_finished(void *context)
{
	struct queue *queue = context;

	if (queue->done != queue->tail) {
		bury_takers(queue);
	}
	return queue->done == queue->tail;
}

enum queue_result queue_join(struct queue *queue, int64_t timeout_ns)
{
	lock(queue);
	bool finished = condition_wait_for(&queue->finished, is_finished, queue, timeout_ns);
	mutex_unlock(&queue->mutex);
	return finished ? QUEUE_DONE : QUEUE_TIMED_OUT;
}

uint64_t queue_length(const struct queue *queue)
{
	uint64_t head = queue->head; /* first: it never overtakes the tail */

	return queue->tail - head;
}

uint64_t queue_lost(const struct queue *queue)
{
	return queue->lost;
}
