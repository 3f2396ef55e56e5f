#include "client/terminal/text_width.h"

#include <wchar.h>

#include "shared/text/text.h"

#define UNKNOWN_WIDTH 1 /* of what the locale does not know: most terminals show a box */
#define CARET_WIDTH   2 /* the editor shows a control character as ^X */
#define ESCAPED_WIDTH 8 /* and what it does not know as \U+12345 */

static size_t point_width(uint32_t point)
{
	int width = wcwidth((wchar_t)point);

	return width >= 0 ? (size_t)width : UNKNOWN_WIDTH;
}

static size_t edited_point_width(uint32_t point)
{
	int width = wcwidth((wchar_t)point);

	if (width >= 0) {
		return (size_t)width;
	}
	return point < ' ' || point == 0x7F ? CARET_WIDTH : ESCAPED_WIDTH;
}

/* Takes one code point off TEXT's front. */
static uint32_t take_point(struct span *text)
{
	uint32_t point;
	size_t length = text_decode(text->text, text->length, &point);

	*text = (struct span){ text->text + length, text->length - length };
	return point;
}

size_t text_width(struct span text)
{
	size_t width = 0;

	while (text.length > 0) {
		width += point_width(take_point(&text));
	}
	return width;
}

size_t text_width_edited(struct span text)
{
	size_t width = 0;

	while (text.length > 0) {
		width += edited_point_width(take_point(&text));
	}
	return width;
}

size_t text_width_cut(struct span text, size_t columns)
{
	struct span rest = text;
	size_t width = 0;
	size_t fits = 0;

	while (rest.length > 0) {
		width += point_width(take_point(&rest));
		if (width > columns) {
			break;
		}
		fits = text.length - rest.length;
	}
	return fits;
}

size_t text_width_rows(size_t width, size_t columns)
{
	if (width == 0 || columns == 0) {
		return 1;
	}
	return (width + columns - 1) / columns;
}

size_t text_width_cursor_row(size_t prompt, struct span text, size_t columns)
{
	size_t row, column;

	if (columns == 0) {
		return 0;
	}
	row = prompt / columns;
	column = prompt % columns;
	while (text.length > 0) {
		uint32_t point = take_point(&text);
		size_t width = point == '\n' ? 0 : edited_point_width(point);
		bool next = point == '\n' || column + width > columns;
		row += next;
		column = (next ? 0 : column) + width;
		if (column >= columns) {
			row++;
			column -= columns;
		}
	}
	return row;
}
