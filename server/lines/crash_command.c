#include "server/lines/crash_command.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>

#include "server/session/crash_order.h"
#include "shared/base/clock.h"

#define USAGE "/crash [WORKER|all] [SIGNAL]"

/* A number of a worker, or all; false if WORD is anything else. */
static bool read_worker(const struct session *session, struct span word, uint32_t *worker)
{
	int64_t number;

	if (span_equals_ignoring_case(word, "all")) {
		*worker = CRASH_ALL;
		return true;
	}
	if (!words_number(word, 1, session->turn->shared->options->workers, &number)) {
		return false;
	}
	*worker = (uint32_t)number - 1;
	return true;
}

/* What is left out: one's own worker, KILL. */
static enum outcome read_arguments(const struct session *session, struct span arguments,
				   uint32_t *worker, int *signal, struct problem *problem)
{
	struct span word = words_next(&arguments);

	*worker = session->turn->worker;
	*signal = SIGKILL;
	const bool is_signal = word.length > 0 && !isdigit((unsigned char)*word.text) &&
			       crash_read_signal(word, signal);

	if (word.length > 0 && read_worker(session, word, worker)) {
		word = words_next(&arguments);
	} else if (word.length > 0 && !is_signal) {
		return refuse(problem, PROBLEM_BADARG,
			      "WORKER must be a number from 1 to %u, or all: " USAGE,
			      session->turn->shared->options->workers);
	}
	if (word.length > 0 && !crash_read_signal(word, signal)) {
		return refuse(problem, PROBLEM_BADARG, "SIGNAL must be " CRASH_SIGNALS ": " USAGE);
	}
	return OUTCOME_DONE;
}

static int64_t milliseconds(int64_t duration_ns)
{
	return (duration_ns + NS_PER_MS / 2) / NS_PER_MS;
}

static enum outcome show_one(const struct crash_end *end, struct reply *reply,
			     struct problem *problem)
{
	if (end->pid == 0) {
		return refuse(problem, PROBLEM_BUSY,
			      "that worker is just being started; try again");
	}
	reply_line(reply, "+crash %d %u %" PRId64, (int)end->pid, end->adopted,
		   milliseconds(end->took_ns));
	return OUTCOME_DONE;
}

/* A row for each that was there; then the sum of the connections, and the longest time. */
static enum outcome show_all(const struct crash_end *ends, struct reply *reply)
{
	uint64_t adopted = 0;
	int64_t longest_ns = 0;

	for (unsigned i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		if (ends[i].pid != 0) {
			reply_line(reply, "=%u %d %u %" PRId64, i + 1, (int)ends[i].pid,
				   ends[i].adopted, milliseconds(ends[i].took_ns));
			adopted += ends[i].adopted;
			longest_ns = ends[i].took_ns > longest_ns ? ends[i].took_ns : longest_ns;
		}
	}
	reply_line(reply, "+crash all %" PRIu64 " %" PRId64, adopted, milliseconds(longest_ns));
	return OUTCOME_DONE;
}

enum outcome crash_command(struct session *session, struct span arguments, struct reply *reply,
			   struct problem *problem)
{
	struct crash_end ends[OPTIONS_WORKERS_MAX];
	uint32_t worker;
	int signal;
	enum outcome outcome = read_arguments(session, arguments, &worker, &signal, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = crash_order(session, worker, signal, ends, problem);
	}
	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	return worker == CRASH_ALL ? show_all(ends, reply)
				   : show_one(&ends[worker], reply, problem);
}
