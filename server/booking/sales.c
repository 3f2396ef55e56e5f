#include "server/booking/sales.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/chat/room_commands.h"
#include "server/process/worker.h"
#include "shared/base/clock.h"

#define LINE_SIZE 160 /* bytes of a *sale */

static bool announce(struct worker *worker, const struct stock_board_event *event)
{
	bool unlocked = worker->shared->options->serialize == SERIALIZE_NONE;
	char line[LINE_SIZE];
	int length = snprintf(line, sizeof(line), "*sale %s %" PRId64 " %" PRId64 "%s\n",
			      event->name, event->left, event->total, unlocked ? " unlocked" : "");

	return chat_announce(worker, event->name, line, (size_t)length);
}

void boxoffice_announce_sales(struct worker *worker)
{
	struct stock_board *board = worker->shared->board;
	struct stock_board_event event;
	int64_t wait_ns;

	worker->sale_at_ns = 0;
	for (uint32_t i = 0; i < board->count; i++) {
		if (stock_board_claim_sale(board, i, worker_now_ns(worker), &event, &wait_ns) &&
		    !announce(worker, &event)) {
			stock_board_return_sale(board, i);
			wait_ns = NS_PER_MS;
		}
		int64_t due_ns = worker_now_ns(worker) + wait_ns;

		if (wait_ns > 0 && (worker->sale_at_ns == 0 || due_ns < worker->sale_at_ns)) {
			worker->sale_at_ns = due_ns;
		}
	}
}
