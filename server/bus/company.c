#include "server/bus/company.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/bus/beacon.h"
#include "server/bus/others.h"
#include "server/bus/runner.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define NAME_WAIT_NS (300 * NS_PER_MS) /* for who has the name already */
#define TAKE_MOST    256               /* messages a turn */

struct company {
	struct shared_state *shared;
	struct jetstream *stream;
	struct beacon *beacon;
	struct others *others;
	struct runner *runner;
};

static bool send_message(void *context, const char *subject, struct span bytes)
{
	const struct company *company = context;

	return jetstream_tell(company->stream, subject, bytes);
}

struct company *company_create(struct shared_state *shared, struct jetstream *stream)
{
	struct company *company = calloc(1, sizeof(*company));

	if (!company) {
		die("out of memory");
	}
	company->shared = shared;
	company->stream = stream;
	company->beacon = beacon_create(shared, send_message, company);
	company->others = others_create(shared);
	company->runner = runner_create(shared, send_message, company);
	return company;
}

void company_destroy(struct company *company)
{
	beacon_destroy(company->beacon);
	others_destroy(company->others);
	runner_destroy(company->runner);
	free(company);
}

/* False: the name is another's. */
static bool grant(struct company *company, unsigned wishes)
{
	if (wishes & OTHERS_TELL) {
		beacon_begin_anew(company->beacon);
		beacon_show(company->beacon);
	}
	if (wishes & OTHERS_ASK) {
		beacon_ask_again(company->beacon);
	}
	if (wishes & OTHERS_SHOW) {
		beacon_show(company->beacon);
	}
	return !(wishes & OTHERS_TAKEN);
}

static bool refuse_name(struct company *company)
{
	char why[JETSTREAM_ERROR_SIZE];

	(void)snprintf(why, sizeof(why),
		       "another server there calls itself %s, too, and had the name before: give "
		       "each its own --node",
		       company->shared->options->node);
	return jetstream_refuse(company->stream, why);
}

/* One message, if there is one within that time. False: the name is another's. */
static bool take_one(struct company *company, int64_t timeout_ns, bool *any, uint64_t *wakes)
{
	struct jetstream_message message;
	unsigned wishes = 0;

	*any = jetstream_hear(company->stream, JETSTREAM_FOR_ALL, timeout_ns, &message) ==
	       JETSTREAM_MESSAGE;
	if (*any) {
		wishes = others_take(company->others, message.bytes, clock_monotonic_ns(), wakes);
		jetstream_done(&message);
	}
	return grant(company, wishes);
}

static bool wait_for_name(struct company *company)
{
	const int64_t until_ns = clock_monotonic_ns() + NAME_WAIT_NS;
	uint64_t wakes = 0;
	bool own = true;
	bool any;

	for (int64_t now_ns; own && (now_ns = clock_monotonic_ns()) < until_ns;) {
		own = take_one(company, until_ns - now_ns + NS_PER_MS, &any, &wakes);
	}
	return own;
}

bool company_join(struct company *company)
{
	struct presence *presence = company->shared->presence;

	char own[RUNNER_SUBJECT_SIZE];

	if (!jetstream_listen(company->stream, JETSTREAM_FOR_ALL, LIVE_SUBJECT_ALL)) {
		return false;
	}
	others_begin(company->others, clock_monotonic_ns());
	beacon_ask(company->beacon, clock_monotonic_ns());
	if (presence->joined_ns == 0) {
		if (!wait_for_name(company)) {
			return refuse_name(company);
		}
		atomic_store(&presence->joined_ns, clock_monotonic_ns());
	}
	beacon_begin_anew(company->beacon);
	runner_subject(company->shared->options->node, own);
	return jetstream_listen(company->stream, JETSTREAM_FOR_ONE, own);
}

static void run_errands(struct company *company, uint64_t *wakes)
{
	struct jetstream_message message;

	for (int i = 0; i < TAKE_MOST && jetstream_hear(company->stream, JETSTREAM_FOR_ONE, 0,
							&message) == JETSTREAM_MESSAGE;
	     i++) {
		runner_take(company->runner, message.bytes, clock_monotonic_ns(), wakes);
		jetstream_done(&message);
	}
	runner_turn(company->runner, clock_monotonic_ns(), wakes);
}

bool company_turn(struct company *company, uint64_t *wakes)
{
	bool any = true;
	bool own = true;

	for (int i = 0; i < TAKE_MOST && any && own; i++) {
		own = take_one(company, 0, &any, wakes);
	}
	if (!own) {
		atomic_store(&company->shared->presence->joined_ns, 0);
		return refuse_name(company);
	}
	run_errands(company, wakes);
	others_turn(company->others, clock_monotonic_ns(), wakes);
	beacon_turn(company->beacon, clock_monotonic_ns());
	return true;
}

void company_leave(struct company *company)
{
	beacon_leave(company->beacon, clock_monotonic_ns());
}
