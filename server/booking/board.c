#include "server/booking/board.h"

#include "db/booking/stock.h"
#include "db/store/tickets.h"
#include "shared/base/log.h"

struct board_filling {
	struct stock_board *board;
	bool full;
};

static void put_on_board(void *context, const struct store_event *event)
{
	struct board_filling *filling = context;

	filling->full |= !stock_board_put(filling->board, event, booking_stock_free(event));
}

bool board_fill(struct store *store, struct stock_board *board)
{
	struct board_filling filling = { board, false };
	bool read = store_event_each(store, put_on_board, &filling) == STORE_OK;

	if (!read) {
		log_error("the events cannot be read: %s", store_error(store));
	}
	if (filling.full) {
		log_warning("more than %d events: the rest is not shown", STOCK_BOARD_EVENTS_MAX);
	}
	return read;
}

void board_show_changes(const struct store *store, struct stock_board *board)
{
	struct board_filling filling = { board, false };

	store_events_changed(store, put_on_board, &filling);
}
