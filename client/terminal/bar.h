/*
 * bar: a bar that is as long as a part of a whole: what is left, or what is done. Pure.
 */
#ifndef CLIENT_TERMINAL_BAR_H
#define CLIENT_TERMINAL_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BAR_COLUMNS_MAX 40
#define BAR_SIZE        (BAR_COLUMNS_MAX * 3) /* bytes; no NUL is added */

/*
 * Draws PART of TOTAL as a bar of COLUMNS (BAR_COLUMNS_MAX at most); returns its bytes. In UNICODE
 * it is of block characters, to an eighth of a column. It is empty only when the part is nothing,
 * and full only when it is all.
 */
size_t bar_draw(int64_t part, int64_t total, size_t columns, bool unicode, char bar[BAR_SIZE]);

#endif
