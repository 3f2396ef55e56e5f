#include "client/terminal/bar.h"

#include <string.h>

#define EIGHTHS 8

static size_t eighths_of(int64_t part, int64_t total, size_t columns)
{
	size_t most = columns * EIGHTHS;

	if (part <= 0 || total <= 0) {
		return 0;
	}
	if (part >= total) {
		return most;
	}
	size_t eighths = (size_t)((double)part / (double)total * (double)most);
	if (eighths == 0) {
		return 1;
	}
	return eighths < most ? eighths : most - 1;
}

size_t bar_draw(int64_t part, int64_t total, size_t columns, bool unicode, char bar[BAR_SIZE])
{
	/* U+258F is an eighth of a block, U+2588 a whole one; the rest is a light dot, U+00B7. */
	static const char *const blocks[] = { "·", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
	static const char *const plain[] = { ".", "-", "-", "-", "-", "-", "-", "-", "#" };
	const char *const *parts = unicode ? blocks : plain;
	size_t eighths, length = 0;

	if (columns > BAR_COLUMNS_MAX) {
		columns = BAR_COLUMNS_MAX;
	}
	eighths = eighths_of(part, total, columns);
	for (size_t i = 0; i < columns; i++) {
		size_t filled = eighths < EIGHTHS ? eighths : EIGHTHS;
		size_t bytes = strlen(parts[filled]);
		memcpy(bar + length, parts[filled], bytes);
		length += bytes;
		eighths -= filled;
	}
	return length;
}
