/*
 * One room. A line is found by its end (of the line, or of its frame), whatever stands before it in
 * the server's protocol: a mark,
 * the speaker, the speaker's number of it, and padding to a common length.
 *
 * At full rate the room is kept at `pipeline` lines that not all have heard yet, on the average of
 * the members; with a rate, each line is said when its time has come.
 */
#include <stdlib.h>
#include <string.h>

#include "client/bench/benches.h"
#include "client/bench/cost.h"
#include "client/bench/load.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define WARM_UP_NS     (300 * NS_PER_MS)
#define DRAIN_NS       (2 * NS_PER_SECOND) /* without any line: nothing more comes */
#define TURN_NS        (100 * NS_PER_MS)
#define LINE_SIZE      64
#define MARK           '~'
#define DIGIT_BITS     6 /* a digit is a character from '0' on */
#define NUMBER_DIGITS  5
#define NUMBERS_KEPT   8192 /* of a speaker: the times at which its last lines were said */
#define SAMPLED_MEMBER 16   /* at full rate one member in so many has its latency taken */

struct member {
	int64_t heard;
	uint64_t order; /* a fold of all it heard, in the order it heard it */
	int64_t *next;  /* by speaker: the number of the line to come */
};

struct speaker {
	int64_t said;
	int64_t said_ns[NUMBERS_KEPT];
};

struct room {
	struct bench_load load;
	struct bench_result *result;
	struct member *members;
	struct speaker *speakers;
	int64_t said;
	int64_t heard;
	int64_t begun_ns; /* of the rate */
	unsigned turn;    /* whose turn it is to speak */
};

static unsigned first_speaker(const struct room *room)
{
	return room->load.protocol->speakers_apart ? room->load.plan->clients : 0;
}

/* How many hear each line. */
static int64_t listeners(const struct room *room)
{
	return (int64_t)room->load.plan->clients - (room->load.protocol->speakers_apart ? 0 : 1);
}

static void write_line(char *line, unsigned speaker, int64_t number)
{
	memset(line, '.', LINE_SIZE);
	line[0] = MARK;
	line[1] = (char)('0' + speaker);
	for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
		line[2 + i] = (char)('0' + ((number >> (DIGIT_BITS * i)) & 63));
	}
}

static int64_t read_number(const char *line)
{
	int64_t number = 0;

	for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
		number |= (int64_t)((line[2 + i] - '0') & 63) << (DIGIT_BITS * i);
	}
	return number;
}

static void take_latency(struct room *room, const struct bench_client *client,
			 const struct speaker *speaker, int64_t number)
{
	int64_t said_ns = speaker->said_ns[number % NUMBERS_KEPT];

	if (room->load.plan->rate == 0 && client->number % SAMPLED_MEMBER != 0) {
		return;
	}
	histogram_add(&room->result->latency,
		      room->load.now_ns > said_ns ? (uint64_t)(room->load.now_ns - said_ns) : 0);
}

static void hear_line(struct room *room, const struct bench_client *client, const char *line)
{
	struct member *member = &room->members[client->number];
	unsigned speaker = (unsigned)(line[1] - '0');
	int64_t number = read_number(line);

	if (speaker >= room->load.plan->speakers || client->number >= room->load.plan->clients) {
		return;
	}
	if (number < member->next[speaker]) {
		room->result->disordered++;
	} else {
		member->next[speaker] = number + 1;
	}
	member->order = member->order * 31 + ((uint64_t)number << DIGIT_BITS | speaker);
	member->heard++;
	room->heard++;
	room->result->operations++;
	take_latency(room, client, &room->speakers[speaker], number);
}

/* The end of the first message, and in USED where the next one begins; NULL: it is not whole. */
static const char *message_end(const struct bench_load *load, const char *bytes, size_t length,
			       size_t *used)
{
	if (load->protocol->framed) {
		enum bench_take take = load->protocol->take(load->plan, bytes, length, used);

		return take == BENCH_MORE ? NULL : bytes + *used;
	}
	const char *end = memchr(bytes, '\n', length);

	if (!end) {
		return NULL;
	}
	*used = (size_t)(end - bytes) + 1;
	return end > bytes && end[-1] == '\r' ? end - 1 : end;
}

static size_t hear(struct bench_load *load, struct bench_client *client, const char *bytes,
		   size_t length)
{
	struct room *room = load->owner;
	size_t used = 0, taken = 0;
	const char *stop;

	for (; (stop = message_end(load, bytes + used, length - used, &taken)); used += taken) {
		const char *start = bytes + used;

		if (stop - start >= LINE_SIZE && stop[-LINE_SIZE] == MARK) {
			hear_line(room, client, stop - LINE_SIZE);
		} else if (*start == '-') {
			room->result->refused++;
		}
	}
	return used;
}

/* The next speaker says one more line, if it still has room for it. */
static bool say(struct room *room)
{
	struct bench_client *client = &room->load.clients[first_speaker(room) + room->turn];
	struct speaker *speaker = &room->speakers[room->turn];
	char line[LINE_SIZE];

	if (client->descriptor < 0 ||
	    client->output.size - client->output.length < BENCH_MESSAGE_MAX) {
		return false;
	}
	write_line(line, room->turn, speaker->said);
	room->load.protocol->say(&client->output, line, sizeof(line));
	speaker->said_ns[speaker->said % NUMBERS_KEPT] = clock_monotonic_ns();
	speaker->said++;
	room->said++;
	room->turn = (room->turn + 1) % room->load.plan->speakers;
	return true;
}

/* How many lines should have been said by now. */
static int64_t lines_due(const struct room *room)
{
	const struct bench_plan *plan = room->load.plan;

	if (plan->rate == 0) {
		return room->heard / listeners(room) + plan->pipeline;
	}
	return (clock_monotonic_ns() - room->begun_ns) * plan->rate / NS_PER_SECOND;
}

static void say_what_is_due(struct room *room)
{
	int64_t due = lines_due(room);

	if (room->load.plan->count != 0 && due > room->load.plan->count) {
		due = room->load.plan->count;
	}
	while (room->said < due && say(room)) {
		;
	}
	for (unsigned i = 0; i < room->load.plan->speakers; i++) {
		bench_load_flush(&room->load, &room->load.clients[first_speaker(room) + i]);
	}
}

static int64_t until_next_line(const struct room *room)
{
	const struct bench_plan *plan = room->load.plan;

	if (plan->rate == 0) {
		return TURN_NS;
	}
	return room->begun_ns + (room->said + 1) * NS_PER_SECOND / plan->rate -
	       clock_monotonic_ns();
}

static bool all_said(const struct room *room)
{
	return room->load.plan->count != 0 && room->said >= room->load.plan->count;
}

static void talk(struct room *room, int64_t duration_ns)
{
	const int64_t end_ns = clock_deadline(duration_ns);

	while (clock_monotonic_ns() < end_ns && !all_said(room)) {
		say_what_is_due(room);
		bench_load_turn(&room->load, until_next_line(room));
	}
}

/* Hears what is still under way. */
static void drain(struct room *room)
{
	int64_t deadline_ns = clock_deadline(DRAIN_NS);

	while (room->heard < room->said * listeners(room) && clock_monotonic_ns() < deadline_ns) {
		int64_t before = room->heard;

		bench_load_turn(&room->load, TURN_NS);
		if (room->heard > before) {
			deadline_ns = clock_deadline(DRAIN_NS);
		}
	}
}

/* Those who only listen heard the same: how many heard it in another order than the first. */
static int64_t other_orders(const struct room *room)
{
	const unsigned first = room->load.protocol->speakers_apart ? 0 : room->load.plan->speakers;
	int64_t others = 0;

	for (unsigned i = first; i < room->load.plan->clients; i++) {
		others += room->members[i].order != room->members[first].order;
	}
	return others;
}

static void room_open(struct room *room, const struct bench_plan *plan,
		      const struct bench_protocol *protocol)
{
	room->members = calloc(plan->clients, sizeof(*room->members));
	room->speakers = calloc(plan->speakers, sizeof(*room->speakers));
	int64_t *next = calloc((size_t)plan->clients * plan->speakers, sizeof(*next));
	if (!room->members || !room->speakers || !next) {
		die("out of memory");
	}
	for (unsigned i = 0; i < plan->clients; i++) {
		room->members[i].next = next + (size_t)i * plan->speakers;
	}
	bench_load_open(&room->load, plan, protocol,
			plan->clients + (protocol->speakers_apart ? plan->speakers : 0),
			(size_t)(plan->pipeline + 1) * BENCH_MESSAGE_MAX / 4);
}

static void room_close(struct room *room)
{
	bench_load_close(&room->load);
	free(room->members[0].next);
	free(room->members);
	free(room->speakers);
}

void bench_chat(const struct bench_plan *plan, const struct bench_protocol *protocol,
		struct bench_result *result)
{
	struct room room = { .result = result, .load = { .owner = &room, .hear = hear } };
	struct bench_meter meter;

	room_open(&room, plan, protocol);
	room.begun_ns = clock_monotonic_ns();
	if (plan->count == 0) {
		talk(&room, WARM_UP_NS);
		memset(result, 0, sizeof(*result));
	}
	bench_meter_begin(&meter, plan);
	talk(&room, plan->duration_ns);
	if (plan->count != 0) {
		drain(&room);
	}
	int64_t operations = result->operations;
	bench_meter_end(&meter, plan, result);
	drain(&room);
	result->operations = operations;
	result->lost = room.said * listeners(&room) - room.heard;
	result->other_orders = other_orders(&room);
	result->broken = room.load.broken;
	room_close(&room);
}
