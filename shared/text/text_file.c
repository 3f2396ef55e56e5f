#include "shared/text/text_file.h"

#include <string.h>

#define UTF8_MARK     "\xEF\xBB\xBF"
#define UTF16_MARK    "\xFF\xFE"
#define UTF16_MARK_BE "\xFE\xFF"

bool text_file_begin(struct span *text)
{
	if (span_starts(*text, UTF16_MARK) || span_starts(*text, UTF16_MARK_BE)) {
		return false;
	}
	if (span_starts(*text, UTF8_MARK)) {
		text->text += strlen(UTF8_MARK);
		text->length -= strlen(UTF8_MARK);
	}
	return true;
}

static bool is_unseen(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span text_file_trim(struct span line)
{
	while (line.length > 0 && is_unseen(line.text[0])) {
		line.text++;
		line.length--;
	}
	while (line.length > 0 && is_unseen(line.text[line.length - 1])) {
		line.length--;
	}
	return line;
}
