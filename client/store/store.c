#include "client/store/store.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/content.h"
#include "client/terminal/output.h"
#include "db/booking/booking.h"
#include "db/booking/ticket.h"
#include "db/open.h"
#include "db/store/invariants.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

#define PATIENCE_NS (10 * NS_PER_SECOND)
#define WORDS_MAX   3 /* the task and two URLs */

enum format { FORMAT_NONE, FORMAT_CSV, FORMAT_JSON };

struct arguments {
	const char *words[WORDS_MAX];
	size_t count;
	enum format format;
};

struct task {
	const char *name;
	const char *form; /* of its arguments, for a message */
	size_t urls;
	int (*run)(const struct arguments *arguments);
};

/* Stores */

static struct store *open_store(const char *url)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(url, error);
	if (!store) {
		die("%s", error);
	}
	return store;
}

/* None is made of it: a database says itself why it has none. */
static struct store *open_old_store(const char *url)
{
	char error[STORE_ERROR_SIZE];
	if (store_is_file(url) && !store_is_there(url)) {
		die("%s: there is no store", url);
	}
	struct store *store = store_open_made(url, PATIENCE_NS, error);
	if (!store) {
		die("%s", error);
	}
	return store;
}

static void take(struct store *store)
{
	if (!store_take(store, PATIENCE_NS)) {
		die("%s", store_error(store));
	}
}

static void begin(struct store *store)
{
	take(store);
	if (store_begin(store) == STORE_OK) {
		return;
	}
	store_give(store);
	die("%s", store_error(store));
}

/* Nothing was changed: all that is left to do is to go. */
static void leave(struct store *store)
{
	store_rollback(store);
	store_give(store);
}

static _Noreturn void die_of(struct store *store)
{
	leave(store);
	die("%s", store_error(store));
}

/* A text in memory that is printed when the lock is given back. */
struct output {
	FILE *stream;
	char *text;
	size_t length;
};

static void output_open(struct output *output)
{
	output->stream = open_memstream(&output->text, &output->length);
	if (!output->stream) {
		die("out of memory");
	}
}

static void output_print(struct output *output)
{
	if (fclose(output->stream) != 0) {
		die("out of memory");
	}
	fwrite(output->text, 1, output->length, stdout);
	free(output->text);
}

/* check */

static void print_event(void *context, const struct store_event *event)
{
	const struct output *output = context;
	fprintf(output->stream,
		"%s: %" PRId64 " sold, %" PRId64 " held, %" PRId64 " free of %" PRId64 ", %s\n",
		event->name, event->sold, event->held, event->total - event->sold - event->held,
		event->total, event->open ? "open" : "closed");
}

static void print_breach(void *context, const char *text)
{
	const struct output *output = context;
	fprintf(output->stream, "wrong: %s\n", text);
}

static int check(const struct arguments *arguments)
{
	struct output output;
	const struct invariants_look look = { print_event, print_breach, &output };
	struct store *store = open_old_store(arguments->words[1]);
	output_open(&output);
	begin(store);
	enum store_result result = invariants_look(store, &look);
	if (result == STORE_FAILED) {
		die_of(store);
	}
	leave(store);
	store_close(store);
	output_print(&output);
	output_flush_or_die();
	return result == STORE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void read_content(struct store *store, struct content *content)
{
	begin(store);
	if (content_read(content, store) != STORE_OK) {
		die_of(store);
	}
	leave(store);
	if (content->failed) {
		die("out of memory");
	}
}

/* export */

static const char *event_name(const struct content *content, int64_t number)
{
	const struct store_event *events = content->events.entries;

	for (size_t i = 0; i < content->events.count; i++) {
		if (events[i].number == number) {
			return events[i].name;
		}
	}
	die("there is a ticket of an event that is not there: see turnstile store check");
}

/* RFC 4180: in quotes where it must be, a quote inside doubled. */
static void print_field(const char *text, const char *end)
{
	bool quoted = text[strcspn(text, "\",\r\n")] != '\0';
	if (quoted) {
		putchar('"');
	}
	for (; *text; text++) {
		if (*text == '"') {
			putchar('"');
		}
		putchar(*text);
	}
	if (quoted) {
		putchar('"');
	}
	fputs(end, stdout);
}

/* "" for 0, which means none. */
static const char *date(int64_t wall_ns, char *text)
{
	text[0] = '\0';
	if (wall_ns != 0) {
		clock_format(wall_ns, text);
	}
	return text;
}

static void print_csv(const struct store_ticket *ticket, const char *code, const char *event)
{
	char text[CLOCK_TEXT_SIZE];
	print_field(code, ",");
	print_field(event, ",");
	printf("%" PRId64 ",", ticket->quantity);
	print_field(ticket_state_name(ticket->state), ",");
	print_field(date(ticket->made_ns, text), ",");
	print_field(date(ticket->expires_ns, text), ",");
	print_field(ticket->key, ",");
	print_field(date(ticket->admitted_ns, text), "\r\n");
}

/* None of the texts has a character that JSON would want escaped. */
static void print_member(const char *name, const char *text, const char *end)
{
	if (*text) {
		printf("\"%s\": \"%s\"%s", name, text, end);
	} else {
		printf("\"%s\": null%s", name, end);
	}
}

static void print_json(const struct store_ticket *ticket, const char *code, const char *event)
{
	char text[CLOCK_TEXT_SIZE];
	printf("  {\"code\": \"%s\", \"event\": \"%s\", \"quantity\": %" PRId64 ", ", code, event,
	       ticket->quantity);
	print_member("state", ticket_state_name(ticket->state), ", ");
	print_member("made", date(ticket->made_ns, text), ", ");
	print_member("expires", date(ticket->expires_ns, text), ", ");
	print_member("key", ticket->key, ", ");
	print_member("admitted", date(ticket->admitted_ns, text), "}");
}

static void print_tickets(const struct content *content, const struct siphash_key *key, bool json)
{
	const struct store_ticket *tickets = content->tickets.entries;
	char code[CODE_SIZE];

	for (size_t i = 0; i < content->tickets.count; i++) {
		const struct store_ticket *ticket = &tickets[i];
		const char *event = event_name(content, ticket->event);
		code_make(key, ticket->number, ticket->salt, code);
		if (json) {
			fputs(i > 0 ? ",\n" : "\n", stdout);
		}
		(json ? print_json : print_csv)(ticket, code, event);
	}
}

static int export(const struct arguments *arguments)
{
	bool json = arguments->format == FORMAT_JSON;
	struct content content = { 0 };
	if (arguments->format == FORMAT_NONE) {
		usage_error("export: which format? --format csv or --format json");
	}
	struct store *store = open_old_store(arguments->words[1]);
	read_content(store, &content);
	fputs(json ? "[" : "code,event,quantity,state,made,expires,key,admitted\r\n", stdout);
	print_tickets(&content, store_code_key(store), json);
	fputs(json ? "\n]\n" : "", stdout);
	content_finish(&content);
	store_close(store);
	output_flush_or_die();
	return EXIT_SUCCESS;
}

/* convert */

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void ignore_breach(void *context, const char *text)
{
	(void)context;
	(void)text;
}

/* What is damaged is not carried on: the other kind might not even be able to hold it. */
static void must_be_sound(struct store *store, const char *url)
{
	const struct invariants_look look = { ignore_event, ignore_breach, NULL };
	begin(store);
	enum store_result result = invariants_look(store, &look);
	if (result == STORE_FAILED) {
		die_of(store);
	}
	leave(store);
	if (result == STORE_NONE) {
		die("%s: is not sound, and not carried over: see turnstile store check", url);
	}
}

/* All of it in one transaction. */
static void carry(const struct content *content, const struct siphash_key *key, const char *to)
{
	struct store *store = open_store(to);
	take(store);
	bool good = store_set_code_key(store, key) == STORE_OK && store_begin(store) == STORE_OK &&
		    content_add(content, store) == STORE_OK && store_commit(store) == STORE_OK &&
		    store_tend(store) == STORE_OK;
	leave(store);
	if (!good) {
		die("%s (nothing was carried over: delete this empty store)", store_error(store));
	}
	store_close(store);
}

static int convert(const struct arguments *arguments)
{
	const char *from = arguments->words[1];
	const char *to = arguments->words[2];
	struct content content = { 0 };
	struct store *source = open_old_store(from);
	if (store_is_there(to)) {
		die("%s: is there already, and not empty", to);
	}
	must_be_sound(source, from);
	read_content(source, &content);
	carry(&content, store_code_key(source), to);
	store_close(source);
	printf("%zu bookings and %zu messages carried from %s to %s\n", content.tickets.count,
	       content.messages.count, from, to);
	content_finish(&content);
	output_flush_or_die();
	return EXIT_SUCCESS;
}

/* The command line */

static const struct task tasks[] = {
	{ "check", "URL", 1, check },
	{ "export", "URL --format csv|json", 1, export },
	{ "convert", "FROM TO", 2, convert },
};

static void read_format(struct arguments *arguments, const char *name)
{
	if (strcmp(name, "csv") == 0) {
		arguments->format = FORMAT_CSV;
	} else if (strcmp(name, "json") == 0) {
		arguments->format = FORMAT_JSON;
	} else {
		usage_error("--format %s: it should be csv or json", name);
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case 'f': read_format(arguments, argument); return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == WORDS_MAX) {
			usage_error("too many arguments: %s", argument);
		}
		arguments->words[arguments->count++] = argument;
		return 0;
	default: return usage_parse(key, state);
	}
}

static void read_arguments(struct arguments *arguments, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "format", 'f', "csv|json", 0, "Of what export writes", 0 },
		USAGE_OPTION_HELP,
		USAGE_OPTION_VERSION,
		{ 0 },
	};
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "check URL\nexport URL --format csv|json\nconvert FROM TO",
		.doc = "Looks into a store (sqlite:FILE, json:FILE or postgresql://…), also while "
		       "a server uses it."
		       "\v"
		       "check says a line for each event, and one for each thing that is wrong: "
		       "then its exit status is 1. export writes the bookings to stdout. convert "
		       "carries a store to a new one, of another kind or the same: with the same "
		       "codes."
	};
	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, arguments);
}

static const struct task *find_task(const struct arguments *arguments)
{
	if (arguments->count == 0) {
		usage_error("what to do with a store? check, export or convert");
	}
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++) {
		if (strcmp(arguments->words[0], tasks[i].name) == 0) {
			return &tasks[i];
		}
	}
	usage_error("no such task: %s (there are: check, export, convert)", arguments->words[0]);
}

static void must_be_urls(const struct arguments *arguments, const struct task *task)
{
	char error[STORE_ERROR_SIZE];
	if (arguments->count != task->urls + 1) {
		usage_error("it should be: store %s %s", task->name, task->form);
	}
	if (arguments->format != FORMAT_NONE && task->run != export) {
		usage_error("--format is for export alone");
	}
	for (size_t i = 1; i < arguments->count; i++) {
		if (!store_url_is_good(arguments->words[i], error)) {
			usage_error("%s", error);
		}
	}
}

int store_run(const struct server_address *address, int argc, char **argv)
{
	struct arguments arguments = { 0 };
	(void)address;
	read_arguments(&arguments, argc, argv);
	const struct task *task = find_task(&arguments);
	must_be_urls(&arguments, task);
	return task->run(&arguments);
}
