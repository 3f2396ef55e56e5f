#include "client/terminal/bar.h"

#include <string.h>

#define EIGHTHS 8

static size_t eighths_left(int64_t left, int64_t total, size_t columns)
{
	size_t most = columns * EIGHTHS;

	if (left <= 0 || total <= 0) {
		return 0;
	}
	if (left >= total) {
		return most;
	}
	size_t part = (size_t)((double)left / (double)total * (double)most);
	if (part == 0) {
		return 1;
	}
	return part < most ? part : most - 1;
}

size_t bar_draw(int64_t left, int64_t total, size_t columns, char bar[BAR_SIZE])
{
	/* U+258F is an eighth of a block, U+2588 a whole one; the rest is a light dot, U+00B7. */
	static const char *const parts[] = { "·", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
	size_t eighths, length = 0;

	if (columns > BAR_COLUMNS_MAX) {
		columns = BAR_COLUMNS_MAX;
	}
	eighths = eighths_left(left, total, columns);
	for (size_t i = 0; i < columns; i++) {
		size_t part = eighths < EIGHTHS ? eighths : EIGHTHS;
		size_t bytes = strlen(parts[part]);
		memcpy(bar + length, parts[part], bytes);
		length += bytes;
		eighths -= part;
	}
	return length;
}
