/*
 * What machines tell each other at once, bytes as anybody likes: who is said to be on another
 * machine can be shown in a room, and what another machine asks for can be told to somebody here.
 *
 * The input is a row of messages: a byte of to whom and how much later, two bytes of how many
 * bytes, and these.
 */
#include <stdlib.h>
#include <string.h>

#include "server/bus/others.h"
#include "server/bus/runner.h"
#include "shared/base/log.h"
#include "shared/text/name.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_BYTES 3
#define TO_RUNNER  1    /* otherwise to who keeps the others' people */
#define LATER      2    /* seconds: some, until a machine counts as gone */
#define ANEW       0x80 /* the bus process was killed before, and another goes on */

static struct options options = { .workers = 2,
				  .max_connections = 4,
				  .history = 10,
				  .send_queue_bytes = 1 << 20,
				  .node = "a",
				  .bus_server_count = 1 };
static struct shared_state shared;
static struct others *others;
static struct runner *runner;

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static bool sends(void *context, const char *subject, struct span bytes)
{
	(void)context;
	(void)subject;
	must(bytes.length <= LIVE_MESSAGE_MAX);
	return true;
}

static void check_person(const struct presence_person *person)
{
	must(person->version % 2 == 0);
	must(person->node <= PRESENCE_NODES);
	must(name_is_nick(span_of(person->nick)));
	must(person->room_count <= SEAT_ROOMS_MAX);
	for (unsigned i = 0; i < person->room_count; i++) {
		must(person->rooms[i] < ROOMS_MAX);
	}
}

static void check_people(const struct presence *presence)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < presence->highest; i++) {
		if (presence->people[i].node != 0) {
			check_person(&presence->people[i]);
			count++;
		}
	}
	must(count == presence->count);
}

/* What was asked of people here; it is answered, so that its place is free again. */
static void check_errands(struct errand_table *table)
{
	for (int i = 0; i < ERRANDS; i++) {
		const struct errand *errand = &table->errands[i];

		if (table->states[i] != ERRAND_ASKED) {
			continue;
		}
		must(name_is_nick(span_of(errand->nick)));
		must(text_is_clean(errand->by, strlen(errand->by)));
		must(errand->length <= sizeof(errand->text));
		must(text_is_clean(errand->text, errand->length));
		must(errand_move(table, i, ERRAND_ASKED, ERRAND_SENT));
		must(errand_move(table, i, ERRAND_SENT, ERRAND_ANSWERED));
	}
}

static void begin_anew(void)
{
	others_destroy(others);
	runner_destroy(runner);
	others = others_create(&shared);
	runner = runner_create(&shared, sends, NULL);
}

static void start(void)
{
	log_start("fuzz", LOG_ERROR, LOG_TEXT);
	shared_state_init(&shared, &options);
	shared.bus->epoch = 1;
	others = others_create(&shared);
	runner = runner_create(&shared, sends, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t now_ns = NS_PER_SECOND;
	uint64_t wakes = 0;

	if (!others) {
		start();
	}
	for (size_t at = 0; at + HEAD_BYTES <= size;) {
		const uint8_t control = data[at];
		size_t length = data[at + 1] | (size_t)data[at + 2] << 8;

		at += HEAD_BYTES;
		length = length < size - at ? length : size - at;
		const struct span bytes = { (const char *)data + at, length };

		if (control & ANEW) {
			begin_anew();
		}
		now_ns += control / LATER % 8 * NS_PER_SECOND;
		if (control & TO_RUNNER) {
			runner_take(runner, bytes, now_ns, &wakes);
		} else {
			(void)others_take(others, bytes, now_ns, &wakes);
		}
		check_errands(&shared.errands->given);
		runner_turn(runner, now_ns, &wakes);
		others_turn(others, now_ns, &wakes);
		at += length;
	}
	check_people(shared.presence);
	return 0;
}
