#include "client/chat/status_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/terminal/bar.h"
#include "client/terminal/text_width.h"

#define SEPARATOR       " · "
#define BAR_COLUMNS     16
#define BAR_MIN_COLUMNS 60 /* on a terminal narrower than this there is no room for a bar */

struct output {
	char *line;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(struct output *output, const char *format,
						      ...)
{
	size_t room = STATUS_LINE_SIZE - output->length;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(output->line + output->length, room, format, arguments);
	va_end(arguments);
	output->length += length > 0 && (size_t)length < room ? (size_t)length : 0;
}

/* What is left of the room's event, or nothing. */
static size_t describe_event(const struct view_event *event, size_t columns, char *text,
			     size_t size)
{
	char bar[BAR_SIZE];
	size_t length = 0;

	if (!event) {
		return 0;
	}
	if (columns >= BAR_MIN_COLUMNS) {
		length = bar_draw(event->left, event->total, BAR_COLUMNS, true, bar);
	}
	int written = snprintf(text, size, SEPARATOR "%.*s%s%" PRId64 " of %" PRId64 " left%s",
			       (int)length, bar, length > 0 ? " " : "", event->left, event->total,
			       event->open ? "" : " (closed)");
	return written > 0 && (size_t)written < size ? (size_t)written : 0;
}

/* As many of the others as fit, the last heard first, and how many more there are. */
static void put_people(struct output *output, const struct view_room *room, size_t columns)
{
	int64_t others = room->members - 1;
	size_t used = text_width((struct span){ output->line, output->length });
	int64_t shown = 0;

	if (others <= 0) {
		put(output, SEPARATOR "nobody else here");
	}
	for (size_t i = room->nick_count; i-- > 0 && shown < others; shown++) {
		size_t width = text_width(span_of(room->nicks[i]));
		if (used + width + strlen(" · , +1000") > columns) {
			break;
		}
		used += width + 2;
		put(output, "%s%s", shown == 0 ? SEPARATOR : ", ", room->nicks[i]);
	}
	if (shown == 0 && others > 0) {
		put(output, SEPARATOR "%" PRId64 " others", others);
	} else if (others > shown) {
		put(output, " +%" PRId64, others - shown);
	}
}

static void put_room(struct output *output, const struct server_view *view, size_t columns)
{
	const struct view_room *room = view_current(view);
	char event[256];

	if (!room) {
		put(output, SEPARATOR "in no room: /join #ROOM");
		return;
	}
	put(output, SEPARATOR "%s", room->name);
	size_t length = describe_event(view_event_of(view, room), columns, event, sizeof(event));
	size_t width = text_width((struct span){ event, length });
	put_people(output, room, columns > width ? columns - width : 0);
	put(output, "%.*s", (int)length, event);
}

size_t status_line(const struct server_view *view, const char *trouble, size_t columns,
		   char line[STATUS_LINE_SIZE])
{
	struct output output = { .line = line };

	put(&output, "%s", view->nick[0] == '\0' ? "..." : view->nick);
	if (trouble[0] != '\0') {
		put(&output, SEPARATOR "%s", trouble);
	} else {
		put_room(&output, view, columns > 0 ? columns - 1 : 0);
	}
	return text_width_cut((struct span){ line, output.length }, columns > 0 ? columns - 1 : 0);
}
