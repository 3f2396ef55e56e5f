#include "client/race/options.h"

#include <argp.h>
#include <string.h>

#include "client/options/number.h"
#include "client/race/interleavings.h"
#include "db/open.h"
#include "shared/base/clock.h"
#include "shared/base/siphash.h"
#include "shared/base/usage.h"
#include "shared/text/words.h"

#define THINK_MS_MAX 60000
#define SEED_MAX     INT64_C(1000000000)

enum {
	KEY_STORE = 's',
	KEY_BUYERS = 'b',
	KEY_TICKETS = 't',
	KEY_SERIALIZE = 0x100,
	KEY_THINK,
	KEY_SEED,
	KEY_SVG,
	KEY_TRACE,
	KEY_HTML,
	KEY_SCHEDULE,
	KEY_JSON,
	KEY_QUIET,
	KEY_EXHAUSTIVE
};

static const struct argp_option rows[] = {
	{ "buyers", KEY_BUYERS, "N", 0, "How many buyers, a process each (10)", 0 },
	{ "tickets", KEY_TICKETS, "N", 0, "How many tickets there are (5)", 0 },
	{ "serialize", KEY_SERIALIZE, "LIST", 0,
	  "What stands around a purchase, one after the other: none, lock, join, semaphore, "
	  "atomic, or all (none,lock,join)",
	  0 },
	{ "think", KEY_THINK, "MIN-MAX", 0,
	  "How long a buyer thinks each time, in seconds, or with ms (100-300ms)", 0 },
	{ "seed", KEY_SEED, "N", 0, "The same thinking times for the same N (else by chance)", 0 },
	{ "store", KEY_STORE, "URL", 0,
	  "The store, such as sqlite:FILE, where each strategy gets an event of its own (else one "
	  "that goes away)",
	  0 },
	{ "svg", KEY_SVG, "FILE", 0, "Write the timeline as a picture", 0 },
	{ "trace", KEY_TRACE, "FILE", 0, "Write a trace to be opened at ui.perfetto.dev", 0 },
	{ "html", KEY_HTML, "FILE", 0,
	  "Write a page that plays it back, and on which you are the scheduler", 0 },
	{ "schedule", KEY_SCHEDULE, "STEPS", 0,
	  "Let the processes go one step at a time in this order, such as \"1r 2r 1w 2w\": a "
	  "buyer's number, and l (takes the lock), r (reads), w (writes), u (gives it back) or x "
	  "(is "
	  "killed). Without --serialize: with a lock if it has an l, else with none",
	  0 },
	{ "json", KEY_JSON, NULL, 0, "Say all of it as one JSON object, and nothing else", 0 },
	{ "quiet", KEY_QUIET, NULL, 0, "The buyers do not say what they see and buy", 0 },
	{ "exhaustive", KEY_EXHAUSTIVE, NULL, 0,
	  "No processes: count the interleavings of a few purchases that oversell, with each "
	  "strategy (2 buyers, 1 ticket)",
	  0 },
	USAGE_OPTION_HELP,
	USAGE_OPTION_VERSION,
	{ 0 },
};

static enum race_strategy read_strategy(struct span name)
{
	for (enum race_strategy i = 0; i < RACE_STRATEGIES; i++) {
		if (span_equals(name, race_strategy_name(i))) {
			return i;
		}
	}
	usage_error("--serialize: no such strategy: %.*s (there are: none, lock, join, semaphore, "
		    "atomic, and all)",
		    (int)name.length, name.text);
}

static void add_strategy(struct race_options *options, enum race_strategy strategy)
{
	for (size_t i = 0; i < options->count; i++) {
		if (options->strategies[i] == strategy) {
			usage_error("--serialize: %s stands there twice",
				    race_strategy_name(strategy));
		}
	}
	options->strategies[options->count++] = strategy;
}

static void read_strategies(struct race_options *options, const char *list)
{
	options->count = 0;
	if (strcmp(list, "all") == 0) {
		for (enum race_strategy i = 0; i < RACE_STRATEGIES; i++) {
			add_strategy(options, i);
		}
		return;
	}
	for (;;) {
		size_t length = strcspn(list, ",");
		add_strategy(options, read_strategy((struct span){ list, length }));
		if (list[length] == '\0') {
			return;
		}
		list += length + 1;
	}
}

/* One of the two numbers of --think: digits and perhaps a fraction of three. False: it is none. */
static bool read_thousandths(struct span text, int64_t *thousandths)
{
	const char *dot = memchr(text.text, '.', text.length);
	struct span whole = { text.text, dot ? (size_t)(dot - text.text) : text.length };
	int64_t number = 0;
	int64_t scale = 1000;

	if (!words_number(whole, 0, THINK_MS_MAX, &number)) {
		return false;
	}
	*thousandths = number * scale;
	for (size_t i = whole.length + 1; i < text.length; i++) {
		if (text.text[i] < '0' || text.text[i] > '9' || scale == 1) {
			return false;
		}
		scale /= 10;
		*thousandths += (text.text[i] - '0') * scale;
	}
	return true;
}

static bool ends_in_ms(struct span text)
{
	return text.length > 2 && memcmp(text.text + text.length - 2, "ms", 2) == 0;
}

/* "1-3", "0.1-0.3" (seconds), "100-300ms", "100ms-300ms". */
static bool read_think(struct race_plan *plan, struct span text)
{
	const bool in_ms = ends_in_ms(text);
	const int64_t unit_ns = in_ms ? NS_PER_US : NS_PER_MS; /* of a thousandth */
	int64_t least;
	int64_t most;

	text.length -= in_ms ? 2 : 0;
	const char *dash = memchr(text.text, '-', text.length);
	if (!dash) {
		return false;
	}
	struct span first = { text.text, (size_t)(dash - text.text) };
	struct span second = { dash + 1, text.length - first.length - 1 };
	first.length -= in_ms && ends_in_ms(first) ? 2 : 0;
	if (!read_thousandths(first, &least) || !read_thousandths(second, &most) || least > most ||
	    most * unit_ns > THINK_MS_MAX * NS_PER_MS) {
		return false;
	}
	plan->think_least_ns = least * unit_ns;
	plan->think_most_ns = most * unit_ns;
	return true;
}

static void read_store(struct race_plan *plan, const char *url)
{
	char error[STORE_ERROR_SIZE];

	if (!store_url_is_good(url, error)) {
		usage_error("--store: %s", error);
	}
	plan->url = url;
}

static void read_schedule(struct race_options *options, const char *text)
{
	char problem[SCHEDULE_PROBLEM_SIZE];

	if (!schedule_read(&options->schedule, text, problem)) {
		usage_error("--schedule: %s", problem);
	}
	options->scheduled = true;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct race_options *options = state->input;
	struct race_plan *plan = &options->plan;

	switch (key) {
	case KEY_BUYERS:
		plan->buyers = (unsigned)option_number("buyers", argument, 1, RACE_BUYERS_MAX);
		return 0;
	case KEY_TICKETS:
		plan->tickets = option_number("tickets", argument, 1, RACE_TICKETS_MAX);
		return 0;
	case KEY_SEED:
		plan->seed = (uint64_t)option_number("seed", argument, 0, SEED_MAX);
		return 0;
	case KEY_SERIALIZE: read_strategies(options, argument); return 0;
	case KEY_THINK:
		if (!read_think(plan, span_of(argument))) {
			usage_error("--think=%s: must be MIN-MAX, such as 1-3, 0.1-0.3 or "
				    "100-300ms, a minute at most",
				    argument);
		}
		return 0;
	case KEY_STORE: read_store(plan, argument); return 0;
	case KEY_SVG: options->svg = argument; return 0;
	case KEY_TRACE: options->trace = argument; return 0;
	case KEY_HTML: options->html = argument; return 0;
	case KEY_SCHEDULE: read_schedule(options, argument); return 0;
	case KEY_JSON: options->json = true; return 0;
	case KEY_QUIET: plan->quiet = true; return 0;
	case KEY_EXHAUSTIVE: options->exhaustive = true; return 0;
	default: return usage_parse(key, state);
	}
}

/* What no --serialize said. */
static void fill_in_strategies(struct race_options *options)
{
	if (options->scheduled) {
		add_strategy(options,
			     schedule_takes_lock(&options->schedule) ? RACE_LOCK : RACE_NONE);
	} else {
		read_strategies(options, options->exhaustive ? "all" : "none,lock,join");
	}
}

static void check_schedule(const struct race_options *options)
{
	const unsigned buyers = schedule_buyers(&options->schedule);

	if (options->plan.buyers < buyers || options->plan.buyers > MODEL_BUYERS_MAX) {
		usage_error("--schedule: must be for %u to %d buyers, as its steps say", buyers,
			    MODEL_BUYERS_MAX);
	}
	if (options->exhaustive) {
		usage_error("--exhaustive and --schedule: must be one of them");
	}
}

/* What was not given. */
static void fill_in(struct race_options *options)
{
	struct race_plan *plan = &options->plan;
	const bool small = options->exhaustive || options->scheduled;

	if (options->count == 0) {
		fill_in_strategies(options);
	}
	if (plan->buyers == 0 && options->scheduled) {
		plan->buyers = schedule_buyers(&options->schedule);
	}
	if (plan->buyers == 0) {
		plan->buyers = small ? 2 : 10;
	}
	if (plan->tickets == 0) {
		plan->tickets = small ? 1 : 5;
	}
	if (options->scheduled) {
		check_schedule(options);
		plan->schedule = &options->schedule;
	}
	if (options->exhaustive && plan->buyers > INTERLEAVINGS_BUYERS_MAX) {
		usage_error("--exhaustive: must be for %d buyers at most",
			    INTERLEAVINGS_BUYERS_MAX);
	}
	plan->quiet |= options->json;
}

void race_options_read(struct race_options *options, int argc, char **argv)
{
	const struct argp argp = {
		.options = rows,
		.parser = parse,
		.doc = "Sells the same tickets to the same buyers, once for each way to put "
		       "purchases in a row, and shows who did what when. Each buyer is a process: "
		       "it searches (reads what is left, thinks) and then buys (reads, thinks, "
		       "writes)."
		       "\vnone: nothing around the purchase: what others wrote since is "
		       "overwritten.\n"
		       "lock: one lock around it; all search at the same time.\n"
		       "join: start a process, join it, start the next.\n"
		       "semaphore: at most 3 at once, which is not enough.\n"
		       "atomic: check and sale are one transaction of the store's; no lock of "
		       "ours.",
	};
	struct siphash_key chance;

	siphash_key_make(&chance);
	*options = (struct race_options){ .plan = { .seed = chance.words[0] % (uint64_t)SEED_MAX,
						    .think_least_ns = 100 * NS_PER_MS,
						    .think_most_ns = 300 * NS_PER_MS } };
	argp_parse(&argp, argc, argv, USAGE_ARGP_FLAGS, NULL, options);
	fill_in(options);
}
