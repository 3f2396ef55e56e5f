#include "server/booking/sales.h"

#include "server/chat/chat.h"
#include "shared/base/clock.h"

void sales_make_rooms(struct sales *sales, struct turn *turn)
{
	struct shared_state *shared = turn->shared;
	uint32_t count = atomic_load(&shared->board->count);

	if (sales->rooms_made == count || !directory_try(shared->directory)) {
		return;
	}
	for (; sales->rooms_made < count; sales->rooms_made++) {
		rooms_of_event(shared->rooms, shared->directory,
			       shared->board->entries[sales->rooms_made].event.name);
	}
	directory_unlock(shared->directory);
}

bool sales_are_due(struct sales *sales, struct turn *turn)
{
	uint32_t changes = atomic_load(&turn->shared->board->changes);
	bool changed = changes != sales->changes_seen;

	if (sales->again_ns != 0) {
		return turn_now_ns(turn) >= sales->again_ns;
	}
	sales->changes_seen = changes;
	return changed;
}

static bool announce(struct turn *turn, const struct stock_board_event *event)
{
	const struct message_sale sale = { .left = event->left,
					   .total = event->total,
					   .unlocked = turn->shared->options->serialize ==
						       SERIALIZE_NONE };

	return chat_announce(turn, event->name, &sale);
}

void sales_announce(struct sales *sales, struct turn *turn)
{
	struct stock_board *board = turn->shared->board;
	struct stock_board_event event;
	int64_t wait_ns;

	sales->again_ns = 0;
	for (uint32_t i = 0; i < board->count; i++) {
		if (stock_board_claim_sale(board, i, turn_now_ns(turn), &event, &wait_ns) &&
		    !announce(turn, &event)) {
			stock_board_return_sale(board, i);
			wait_ns = NS_PER_MS;
		}
		int64_t due_ns = turn_now_ns(turn) + wait_ns;

		if (wait_ns > 0 && (sales->again_ns == 0 || due_ns < sales->again_ns)) {
			sales->again_ns = due_ns;
		}
	}
}
