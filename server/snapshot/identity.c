/*
 * The server itself: the numbers by which it is known to the store and to other servers, and what
 * it has counted.
 */
#include "server/snapshot/identity.h"

#include <string.h>

#include "shared/base/clock.h"

static void server_fields(struct shared_state *shared, struct records *records)
{
	struct directory *directory = shared->directory;
	int64_t deadlines_ns = clock_deadlines_ahead_ns();

	RECORD_NUMBER(records, shared->scoreboard->started_ns);
	RECORD_NUMBER(records, directory->next_session);
	RECORD_NUMBER(records, directory->next_guest);
	RECORD_NUMBER(records, deadlines_ns);
	if (records->reads) {
		clock_go_on_with_deadlines(deadlines_ns);
	}
}

static void histogram_fields(struct histogram *histogram, struct records *records)
{
	RECORD_NUMBER(records, histogram->count);
	RECORD_NUMBER(records, histogram->sum);
	RECORD_NUMBER(records, histogram->largest);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		RECORD_NUMBER(records, histogram->buckets[i]);
	}
}

/* Who ordered a crash is answered with what is known; nobody sends another signal for it. */
static void crash_fields(struct crash *crash, struct records *records)
{
	uint32_t state = crash->state == CRASH_ASKED ? CRASH_DONE : crash->state;

	RECORD_NUMBER(records, state);
	RECORD_NUMBER(records, crash->target);
	RECORD_NUMBER(records, crash->signal);
	RECORD_NUMBER(records, crash->seat);
	RECORD_NUMBER(records, crash->session);
	for (size_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		RECORD_NUMBER(records, crash->ends[i].pid);
		RECORD_NUMBER(records, crash->ends[i].adopted);
		RECORD_NUMBER(records, crash->ends[i].took_ns);
	}
	if (records->reads) {
		crash->state = state;
		records->broken |= state > CRASH_DONE;
	}
}

static void score_fields(struct score *score, struct records *records)
{
	RECORD_NUMBER(records, score->generation);
	RECORD_NUMBER(records, score->deaths);
	RECORD_NUMBER(records, score->lock_held_ns);
	histogram_fields(&score->booking_ns, records);
	histogram_fields(&score->lock_wait_ns, records);
	histogram_fields(&score->adoption_ns, records);
	crash_fields(&score->crash, records);
}

/* Counters go by their names: versions have them in another order. */
static void write_counters(const struct score *score, struct records *records)
{
	for (enum counter counter = 0; counter < COUNTERS; counter++) {
		(void)record_span(records, span_of(counter_name(counter)));
		(void)record_number(records, score->counters[counter]);
	}
}

static void read_counters(struct score *score, struct records *records)
{
	while (record_has_more(records) && !records->broken) {
		struct span name = record_span(records, (struct span){ 0 });
		uint64_t value = record_number(records, 0);

		for (enum counter counter = 0; counter < COUNTERS; counter++) {
			if (span_equals(name, counter_name(counter))) {
				score->counters[counter] = value;
			}
		}
	}
}

void server_write(struct shared_state *shared, struct records *records)
{
	record_begin(records, SNAPSHOT_SERVER);
	server_fields(shared, records);
	record_end(records);
	for (uint32_t worker = 0; worker < shared->workers; worker++) {
		struct score *score = &shared->scoreboard->scores[worker];

		record_begin(records, SNAPSHOT_WORKER);
		(void)worker_field(records, shared, worker);
		score_fields(score, records);
		write_counters(score, records);
		record_end(records);
	}
}

void server_read(struct reading *reading, struct records *records)
{
	server_fields(reading->shared, records);
}

void worker_read(struct reading *reading, struct records *records)
{
	uint32_t worker = worker_field(records, reading->shared, 0);
	struct score *score = &reading->shared->scoreboard->scores[worker];

	score_fields(score, records);
	read_counters(score, records);
}
