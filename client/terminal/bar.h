/*
 * bar: a bar of block characters that is as long as what is left. Pure.
 */
#ifndef CLIENT_TERMINAL_BAR_H
#define CLIENT_TERMINAL_BAR_H

#include <stddef.h>
#include <stdint.h>

#define BAR_COLUMNS_MAX 40
#define BAR_SIZE        (BAR_COLUMNS_MAX * 3) /* bytes; no NUL is added */

/*
 * Draws LEFT of TOTAL as a bar of COLUMNS (BAR_COLUMNS_MAX at most), to an eighth of a column;
 * returns its bytes. It is empty only when nothing is left, and full only when all is.
 */
size_t bar_draw(int64_t left, int64_t total, size_t columns, char bar[BAR_SIZE]);

#endif
