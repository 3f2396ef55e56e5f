#include "client/terminal/style.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80

unsigned terminal_columns(int descriptor)
{
	struct winsize size;

	if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		return COLUMNS_DEFAULT;
	}
	return size.ws_col;
}

bool terminal_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct terminal_style terminal_style(int descriptor)
{
	const char *no_colour = getenv("NO_COLOR");
	bool plain = no_colour && no_colour[0] != '\0';

	setlocale(LC_CTYPE, "");
	return (struct terminal_style){ .columns = terminal_columns(descriptor),
					.colour = !plain && isatty(descriptor),
					.unicode = terminal_is_utf8() };
}
