/*
 * board: puts what the store has of stock on the stock board (state/stock_board.h), where everybody
 * reads it. With the store's lock held.
 */
#ifndef SERVER_BOOKING_BOARD_H
#define SERVER_BOOKING_BOARD_H

#include "db/store/store.h"
#include "server/state/stock_board.h"

/* All events. False when the store cannot be read, and the log says so. */
bool board_fill(struct store *store, struct stock_board *board);

/* Those that the last commit changed. */
void board_show_changes(const struct store *store, struct stock_board *board);

#endif
