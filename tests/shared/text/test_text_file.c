#include "shared/text/text_file.h"

#include <criterion/criterion.h>

static bool begins(const char *file, const char *text)
{
	struct span span = span_of(file);

	return text_file_begin(&span) && span_equals(span, text);
}

Test(text_file, without_the_mark_of_utf_8_is_the_text)
{
	cr_expect(begins("\xEF\xBB\xBFtext", "text"));
	cr_expect(begins("\xEF\xBB\xBF", ""));
	cr_expect(begins("\xEF\xBB\xBF\xEF\xBB\xBF", "\xEF\xBB\xBF"), "there is but one");
	cr_expect(begins("\xEF\xBB", "\xEF\xBB"));
	cr_expect(begins("text", "text"));
	cr_expect(begins("", ""));
}

Test(text_file, that_is_utf_16_says_so)
{
	cr_expect_not(begins("\xFF\xFEt", "t"));
	cr_expect_not(begins("\xFE\xFFt", "t"));
}

static bool trims_to(const char *line, const char *text)
{
	return span_equals(text_file_trim(span_of(line)), text);
}

Test(text_file, has_lines_without_what_nobody_sees_at_their_ends)
{
	cr_expect(trims_to(" \tone two \t\r\n", "one two"));
	cr_expect(trims_to("one\ttwo", "one\ttwo"));
	cr_expect(trims_to(" \r\n", ""));
	cr_expect(trims_to("", ""));
}
