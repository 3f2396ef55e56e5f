#include "server/state/stock_board.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/seqlock.h"
#include "shared/text/text.h"

/* Everybody reads it from here: what somebody wrote into the store by hand is not said as it is. */
static const char *clean_title(const struct store_event *event)
{
	return text_is_clean(event->title, strlen(event->title)) ? event->title : "";
}

static void fill(struct stock_board_entry *entry, const struct store_event *event, int64_t left)
{
	seqlock_write_begin(&entry->version);
	entry->event.number = event->number;
	memcpy(entry->event.name, event->name, sizeof(entry->event.name));
	snprintf(entry->event.title, sizeof(entry->event.title), "%s", clean_title(event));
	entry->event.total = event->total;
	entry->event.left = left;
	entry->event.open = event->open;
	seqlock_write_end(&entry->version);
}

static struct stock_board_entry *entry_of(struct stock_board *board, int64_t number)
{
	for (uint32_t i = 0; i < board->count; i++) {
		if (board->entries[i].event.number == number) {
			return &board->entries[i];
		}
	}
	return NULL;
}

bool stock_board_put(struct stock_board *board, const struct store_event *event, int64_t left)
{
	struct stock_board_entry *entry = entry_of(board, event->number);

	if (!entry) {
		if (board->count == STOCK_BOARD_EVENTS_MAX) {
			return false;
		}
		entry = &board->entries[board->count];
		fill(entry, event, left);
		/* A new event is no news of a sale. */
		entry->sale_left = left;
		entry->sale_total = event->total;
		atomic_store_explicit(&board->count, board->count + 1, memory_order_release);
	} else {
		fill(entry, event, left);
	}
	atomic_fetch_add(&board->changes, 1);
	return true;
}

void stock_board_read(const struct stock_board *board, uint32_t i, struct stock_board_event *event)
{
	const struct stock_board_entry *entry = &board->entries[i];

	if (seqlock_copy(&entry->version, event, &entry->event, sizeof(*event))) {
		return;
	}
	/* Its writer died in between: this may be of two times, until its successor writes it. */
	event->name[sizeof(event->name) - 1] = '\0';
	event->title[sizeof(event->title) - 1] = '\0';
}

bool stock_board_find(const struct stock_board *board, const char *name, uint32_t *index,
		      struct stock_board_event *event)
{
	uint32_t count = atomic_load_explicit(&board->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++) {
		/* An entry's name never changes. */
		if (strcmp(board->entries[i].event.name, name) == 0) {
			stock_board_read(board, i, event);
			*index = i;
			return true;
		}
	}
	return false;
}

bool stock_board_claim_sale(struct stock_board *board, uint32_t i, int64_t now_ns,
			    struct stock_board_event *event, int64_t *wait_ns)
{
	struct stock_board_entry *entry = &board->entries[i];
	int64_t last = atomic_load(&entry->sale_ns);

	*wait_ns = 0;
	stock_board_read(board, i, event);
	if (event->left == entry->sale_left && event->total == entry->sale_total) {
		return false;
	}
	if (last != 0 && now_ns - last < STOCK_BOARD_SALE_PAUSE_NS) {
		*wait_ns = STOCK_BOARD_SALE_PAUSE_NS - (now_ns - last);
		return false;
	}
	if (!atomic_compare_exchange_strong(&entry->sale_ns, &last, now_ns)) {
		*wait_ns = STOCK_BOARD_SALE_PAUSE_NS;
		return false;
	}
	entry->sale_left = event->left;
	entry->sale_total = event->total;
	return true;
}

void stock_board_return_sale(struct stock_board *board, uint32_t i)
{
	atomic_store(&board->entries[i].sale_left, -1);
	atomic_store(&board->entries[i].sale_ns, 0);
}
