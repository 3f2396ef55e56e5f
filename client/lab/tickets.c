/* The ticket grabber: what the whole program is about, small. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client/files/scratch_folder.h"
#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "db/booking/booking.h"
#include "db/open.h"
#include "db/store/tickets.h"
#include "shared/base/log.h"
#include "shared/sync/barrier.h"
#include "shared/sync/mutex.h"

#define BUYERS   10
#define TICKETS  3
#define THINK_NS (10 * NS_PER_MS)
#define URL_SIZE (PATH_MAX + 32)

struct shop {
	char folder[PATH_MAX];
	char url[URL_SIZE];
	struct mutex mutex;       /* around a whole purchase */
	struct barrier all_found; /* nobody buys before all have searched */
	struct barrier all_read;  /* unlocked: the worst case, and so every time the same */
	bool locked;
	_Atomic unsigned found; /* how many saw tickets left when they searched */
	_Atomic unsigned bought;
	_Atomic unsigned refused;
};

/* As the tutorial writes it. */
static void write_database(const struct shop *shop)
{
	const char *path = shop->url + strlen("json:");
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "{\"count\": %d}\n", TICKETS) < 0 || fclose(file) != 0) {
		die("%s: %m", path);
	}
}

/* The store. Each look and each write is whole: the file does not break, the count does. */

static struct store *open_store(const struct shop *shop)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(shop->url, error);

	if (!store) {
		die("%s", error);
	}
	return store;
}

static void begin(struct store *store)
{
	if (!store_take(store, LAB_PATIENCE_NS) || store_begin(store) != STORE_OK) {
		die("%s", store_error(store));
	}
}

static void end(struct store *store, bool keep)
{
	bool good = !keep || store_commit(store) == STORE_OK;

	store_rollback(store);
	store_give(store);
	if (!good) {
		die("%s", store_error(store));
	}
}

static struct store_event *only_event(struct store *store)
{
	struct store_event *event;

	if (store_event_get(store, 1, &event) != STORE_OK) {
		die("%s", store_error(store));
	}
	return event;
}

static struct store_event read_event(struct store *store)
{
	begin(store);
	struct store_event event = *only_event(store);
	end(store, false);
	return event;
}

/* Sells one by what was SEEN before, whatever others have written since. */
static bool write_sale(struct store *store, const struct store_event *seen)
{
	struct booking_request request = { .verb = BOOKING_BOOK, .quantity = 1 };
	struct booking_context context = { .store = store, .wall_ns = clock_wall_ns() };
	struct booking_answer answer;

	snprintf(request.event, sizeof(request.event), "%s", seen->name);
	begin(store);
	only_event(store)->sold = seen->sold;
	booking_carry_out(&context, &request, &answer);
	end(store, answer.outcome == BOOKING_DONE);
	return answer.outcome == BOOKING_DONE;
}

/* The buyers */

static void search(struct shop *shop, struct store *store)
{
	struct store_event seen = read_event(store);

	atomic_fetch_add(&shop->found, seen.sold < seen.total);
	barrier_wait(&shop->all_found, LAB_PATIENCE_NS);
}

static void buy(struct shop *shop, struct store *store)
{
	struct store_event seen = read_event(store);

	if (shop->locked) {
		clock_sleep(THINK_NS);
	} else {
		barrier_wait(&shop->all_read, LAB_PATIENCE_NS);
	}
	bool sold = seen.sold < seen.total && write_sale(store, &seen);
	atomic_fetch_add(sold ? &shop->bought : &shop->refused, 1);
}

static void search_and_buy(struct lab *lab, void *shared, unsigned number)
{
	struct shop *shop = shared;
	struct store *store = open_store(shop);
	int64_t start_ns = clock_monotonic_ns();

	search(shop, store);
	if (shop->locked) {
		mutex_lock(&shop->mutex, NULL);
	}
	lab_note(lab, number, LAB_WAITS, "searches, waits", start_ns);
	start_ns = clock_monotonic_ns();
	buy(shop, store);
	lab_note(lab, number, LAB_WORKS, "buys", start_ns);
	if (shop->locked) {
		mutex_unlock(&shop->mutex);
	}
	store_close(store);
}

static void sell_out(struct lab *lab, struct shop *shop, bool locked)
{
	shop->locked = locked;
	atomic_store(&shop->found, 0);
	atomic_store(&shop->bought, 0);
	atomic_store(&shop->refused, 0);
	scratch_folder_make("turnstile-lab", shop->folder);
	snprintf(shop->url, sizeof(shop->url), "json:%s/db.json", shop->folder);
	write_database(shop);
	lab_part(lab, locked ? "with a lock" : "unlocked", "buyer");
	lab_children_run(lab, BUYERS, search_and_buy, shop);
}

static int64_t count_in_store(const struct shop *shop)
{
	struct store *store = open_store(shop);
	int64_t sold = read_event(store).sold;

	store_close(store);
	return sold;
}

/* What the store says, which is removed then. */
static int64_t count_and_close(struct lab *lab, const struct shop *shop)
{
	int64_t in_store = count_in_store(shop);

	scratch_folder_remove(shop->folder);
	lab_show(lab, shop->locked ? "with a lock" : "unlocked",
		 "%u of %d bought one; %lld of %d sold, says db.json", atomic_load(&shop->bought),
		 BUYERS, (long long)in_store, TICKETS);
	return in_store;
}

static void check_unlocked(struct lab *lab, const struct shop *shop, int64_t in_store)
{
	lab_expect(lab, atomic_load(&shop->found) == BUYERS, "all searches ran at the same time");
	lab_expect(lab, atomic_load(&shop->bought) > TICKETS,
		   "unlocked: %u tickets were sold that do not exist",
		   atomic_load(&shop->bought) - TICKETS);
	lab_expect(lab, in_store < atomic_load(&shop->bought),
		   "and the count is wrong: each wrote what followed from an old one");
}

static void check_locked(struct lab *lab, const struct shop *shop, int64_t in_store)
{
	lab_expect(lab, atomic_load(&shop->found) == BUYERS && lab_most_at_once(lab, 1) == 1,
		   "with a lock: all search together, and buy one after the other");
	lab_expect(lab, atomic_load(&shop->bought) == TICKETS && in_store == TICKETS,
		   "%d were sold, and that is what the count says", TICKETS);
	lab_expect(lab, atomic_load(&shop->refused) == BUYERS - TICKETS,
		   "%d were told that there are none left", BUYERS - TICKETS);
}

/*
 * tickets. Python: db.json holds {"count": 1}; search() reads it and prints what is left; get()
 * reads it, sleeps, and if count > 0 writes count - 1. Ten processes do both; then with a Lock
 * around get().
 */
void lab_tickets(struct lab *lab)
{
	struct shop *shop = lab_share(lab, sizeof(*shop));

	lab_say(lab,
		"%d tickets are in db.json. %d buyers search, and then buy: read the count, think,",
		TICKETS, BUYERS);
	lab_say(lab, "write it back. `turnstile race` shows this at length.");
	mutex_init(&shop->mutex, MUTEX_PLAIN);
	barrier_init(&shop->all_found, BUYERS);
	barrier_init(&shop->all_read, BUYERS);
	sell_out(lab, shop, false);
	check_unlocked(lab, shop, count_and_close(lab, shop));
	sell_out(lab, shop, true);
	check_locked(lab, shop, count_and_close(lab, shop));
	lab_show_timeline(lab);
}
