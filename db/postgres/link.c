#include "db/postgres/link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres/target.h"
#include "shared/base/clock.h"

#define DECIMAL 10

/* Messages */

/* libpq's messages have several lines, the last of them empty. */
static void make_one_line(char *text)
{
	size_t length = strlen(text);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' ')) {
		text[--length] = '\0';
	}
	for (char *end = strchr(text, '\n'); end; end = strchr(end, '\n')) {
		*end = ' ';
	}
}

/* The first thing that goes wrong is the reason, what follows from it is not. */
__attribute__((format(printf, 2, 3))) static void note(struct postgres_link *link,
						       const char *format, ...)
{
	if (link->error[0] != '\0') {
		return;
	}
	int used = snprintf(link->error, sizeof(link->error), "%s: ", link->place);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(link->error + used, sizeof(link->error) - (size_t)used, format, arguments);
	va_end(arguments);
	make_one_line(link->error);
}

static bool lose(struct postgres_link *link, const char *why)
{
	const char *known = PQerrorMessage(link->connection);
	note(link, "%s", why ? why : *known ? known : "the connection broke");
	link->lost = true;
	return false;
}

static void note_result(struct postgres_link *link, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (link->error[0] == '\0') {
		snprintf(link->state, sizeof(link->state), "%s", state ? state : "");
	}
	note(link, "%s", text ? text : PQresultErrorMessage(result));
}

/* Waiting */

static bool wait_for(struct postgres_link *link, short events)
{
	struct pollfd poll_one = { .fd = PQsocket(link->connection), .events = events };
	int ready;
	do {
		int64_t left_ns = link->deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0) {
			return lose(link, "does not answer in time");
		}
		const struct timespec left = clock_timespec(left_ns);
		ready = ppoll(&poll_one, 1, &left, NULL);
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	return ready > 0 || lose(link, strerror(errno));
}

static bool flush(struct postgres_link *link)
{
	int left;
	while ((left = PQflush(link->connection)) > 0) {
		/* Reads meanwhile: the database may wait for us to. */
		if (!wait_for(link, POLLIN | POLLOUT)) {
			return false;
		}
		if (!PQconsumeInput(link->connection)) {
			return lose(link, NULL);
		}
	}
	return left == 0 || lose(link, NULL);
}

static void note_notifications(struct postgres_link *link)
{
	PGnotify *told;
	while ((told = PQnotifies(link->connection))) {
		link->heard |= strtoll(told->extra, NULL, DECIMAL) != link->own;
		PQfreemem(told);
	}
}

/* NULL: the end of a statement's results, or the link is lost. */
static PGresult *next_result(struct postgres_link *link)
{
	while (!link->lost && PQisBusy(link->connection)) {
		if (wait_for(link, POLLIN) && !PQconsumeInput(link->connection)) {
			lose(link, NULL);
		}
	}
	if (link->lost) {
		return NULL;
	}
	note_notifications(link);
	return PQgetResult(link->connection);
}

/* Opening */

static bool poll_connection(struct postgres_link *link)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED) {
			return lose(link, NULL);
		}
		if (!wait_for(link, status == PGRES_POLLING_READING ? POLLIN : POLLOUT)) {
			return false;
		}
		status = PQconnectPoll(link->connection);
	}
	return PQsetnonblocking(link->connection, 1) == 0 || lose(link, NULL);
}

bool link_open(struct postgres_link *link, const char *url)
{
	*link = (struct postgres_link){ .patience_ns = LINK_PATIENCE_NS };
	target_describe(url, link->place, sizeof(link->place));
	link->deadline_ns = clock_deadline(TARGET_CONNECT_NS);
	link->connection = target_connect(url);
	if (!link->connection) {
		note(link, "out of memory");
		link->lost = true;
		return false;
	}
	bool begun = PQstatus(link->connection) != CONNECTION_BAD || lose(link, NULL);
	bool connected = begun && poll_connection(link);
	target_remember(url, link->connection, connected);
	return connected;
}

void link_close(struct postgres_link *link)
{
	PQfinish(link->connection);
	link->connection = NULL;
	link->lost = true;
}

/* Before the pipeline */

/* Takes all results of a text; the last one's rows are the caller's. */
static PGresult *take_all(struct postgres_link *link)
{
	PGresult *last = NULL;
	PGresult *result;
	bool good = true;
	while ((result = next_result(link))) {
		ExecStatusType status = PQresultStatus(result);
		PQclear(last);
		last = result;
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
			note_result(link, result);
			good = false;
		}
	}
	if (good && !link->lost) {
		return last;
	}
	PQclear(last);
	return NULL;
}

PGresult *link_query(struct postgres_link *link, const char *sql)
{
	if (link->lost) {
		return NULL;
	}
	link->deadline_ns = clock_deadline(link->patience_ns);
	if (!PQsendQuery(link->connection, sql)) {
		lose(link, NULL);
		return NULL;
	}
	return flush(link) ? take_all(link) : NULL;
}

bool link_run(struct postgres_link *link, const char *sql)
{
	PGresult *result = link_query(link, sql);
	PQclear(result);
	return result;
}

bool link_prepare(struct postgres_link *link)
{
	if (!PQenterPipelineMode(link->connection)) {
		return lose(link, NULL);
	}
	for (enum postgres_query query = 0; query < POSTGRES_QUERIES; query++) {
		if (!PQsendPrepare(link->connection, postgres_query_name(query),
				   postgres_query_text(query), 0, NULL)) {
			return lose(link, NULL);
		}
		link->posted++;
	}
	return link_settle(link);
}

/* The pipeline */

bool link_post(struct postgres_link *link, enum postgres_query query, struct parameters *parameters)
{
	const char *const *values = parameters ? parameters_values(parameters) : NULL;
	int count = parameters ? (int)parameters->count : 0;
	if (link->lost) {
		return false;
	}
	if (parameters && !values) {
		return lose(link, "out of memory");
	}
	if (!PQsendQueryPrepared(link->connection, postgres_query_name(query), count, values, NULL,
				 NULL, 0)) {
		return lose(link, NULL);
	}
	link->posted++;
	return true;
}

bool link_send(struct postgres_link *link)
{
	link->deadline_ns = clock_deadline(link->patience_ns);
	if (link->lost) {
		return false;
	}
	return PQpipelineSync(link->connection) ? flush(link) : lose(link, NULL);
}

/* A statement's results end with none. */
static void skip_rest(struct postgres_link *link)
{
	PGresult *more;
	while ((more = next_result(link))) {
		PQclear(more);
	}
}

PGresult *link_take(struct postgres_link *link)
{
	PGresult *result = next_result(link);
	ExecStatusType status = PQresultStatus(result); /* of NULL: a failure */
	if (!result) {
		return NULL;
	}
	link->posted--;
	skip_rest(link);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		return result;
	}
	if (status != PGRES_PIPELINE_ABORTED) {
		note_result(link, result);
	}
	PQclear(result);
	return NULL;
}

/* The end of the pipeline is a result of its own, with none after it. */
static bool take_end(struct postgres_link *link)
{
	PGresult *end = next_result(link);
	bool is_end = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
	PQclear(end);
	return is_end || link->lost || lose(link, "the protocol got out of step");
}

bool link_end(struct postgres_link *link)
{
	bool good = !link->lost;
	while (link->posted > 0 && !link->lost) {
		PGresult *result = link_take(link);
		good = good && result;
		PQclear(result);
	}
	return take_end(link) && good && !link->lost;
}

PGresult *link_ask(struct postgres_link *link)
{
	PGresult *last = NULL;
	bool good = link_send(link);
	while (good && link->posted > 0) {
		PQclear(last);
		last = link_take(link);
		good = last;
	}
	if (link_end(link) && good) {
		return last;
	}
	PQclear(last);
	return NULL;
}

bool link_settle(struct postgres_link *link)
{
	return link_send(link) && link_end(link);
}

/* Rows, each a result of its own, and at the end one without any. */
static bool see_rows(struct postgres_link *link, link_see_row *see, void *context)
{
	PGresult *row;
	bool good = PQsetSingleRowMode(link->connection) == 1;
	link->posted--;
	while ((row = next_result(link))) {
		if (PQresultStatus(row) == PGRES_SINGLE_TUPLE) {
			see(context, row);
			link->deadline_ns = clock_deadline(link->patience_ns);
		} else if (PQresultStatus(row) != PGRES_TUPLES_OK) {
			note_result(link, row);
			good = false;
		}
		PQclear(row);
	}
	return good && !link->lost;
}

bool link_each(struct postgres_link *link, link_see_row *see, void *context)
{
	bool good = link_send(link);
	while (good && link->posted > 1) {
		PGresult *result = link_take(link);
		good = result;
		PQclear(result);
	}
	good = good && see_rows(link, see, context);
	return link_end(link) && good;
}

bool link_listen(struct postgres_link *link)
{
	if (!link->lost && PQconsumeInput(link->connection)) {
		note_notifications(link);
	}
	bool heard = link->heard;
	link->heard = false;
	return heard;
}

int64_t link_number(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, DECIMAL);
}

void link_text(const PGresult *result, int row, int column, char *text, size_t size)
{
	size_t length = (size_t)PQgetlength(result, row, column);
	length = length < size ? length : size - 1;
	memcpy(text, PQgetvalue(result, row, column), length);
	text[length] = '\0';
}
