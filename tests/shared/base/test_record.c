#include "shared/base/record.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>

struct thing {
	uint8_t small;
	_Atomic uint64_t large;
	int64_t before;
	bool yes;
	char text[8];
	unsigned char bytes[4];
};

static void fields(struct thing *thing, struct records *records)
{
	RECORD_NUMBER(records, thing->small);
	RECORD_NUMBER(records, thing->large);
	RECORD_NUMBER(records, thing->before);
	RECORD_NUMBER(records, thing->yes);
	record_text(records, thing->text, sizeof(thing->text));
	record_bytes(records, thing->bytes, sizeof(thing->bytes));
}

static const struct thing example = { .small = 200,
				      .large = UINT64_MAX,
				      .before = -5,
				      .yes = true,
				      .text = "abcdefg",
				      .bytes = { 1, 0, 3, 4 } };

static void write_one(struct records *records)
{
	struct thing thing = example;

	records_write(records);
	record_begin(records, 7);
	fields(&thing, records);
	record_end(records);
}

Test(record, is_read_as_it_was_written)
{
	struct records written, read;
	struct thing thing;

	write_one(&written);
	records_read(&read, written.bytes, written.length);
	cr_assert_eq(record_next(&read), 7);
	fields(&thing, &read);
	cr_assert(!read.broken && !record_has_more(&read));
	cr_assert(thing.small == 200 && thing.large == UINT64_MAX && thing.before == -5 &&
		  thing.yes);
	cr_assert_str_eq(thing.text, "abcdefg");
	cr_assert_arr_eq(thing.bytes, example.bytes, sizeof(thing.bytes));
	cr_assert_eq(record_next(&read), 0);
	cr_assert(!read.broken);
	records_finish(&written);
}

Test(record, cut_anywhere_is_broken)
{
	struct records written, read;

	write_one(&written);
	for (size_t length = 1; length < written.length; length++) {
		records_read(&read, written.bytes, length);
		cr_assert(record_next(&read) == 0 && read.broken, "%zu bytes", length);
	}
	records_finish(&written);
}

Test(record, of_a_newer_version_is_read_without_what_is_new)
{
	struct records written, read;
	struct thing thing = example;

	records_write(&written);
	record_begin(&written, 7);
	fields(&thing, &written);
	(void)record_number(&written, 99);
	record_end(&written);
	record_begin(&written, 8);
	record_end(&written);
	records_read(&read, written.bytes, written.length);
	cr_assert_eq(record_next(&read), 7);
	fields(&thing, &read);
	cr_assert_eq(record_next(&read), 8);
	cr_assert(!read.broken);
	records_finish(&written);
}

Test(record, of_an_older_version_has_nothing_where_something_is_new)
{
	struct records written, read;
	struct thing thing;

	records_write(&written);
	record_begin(&written, 7);
	(void)record_number(&written, 5);
	record_end(&written);
	records_read(&read, written.bytes, written.length);
	(void)record_next(&read);
	memset(&thing, 0xff, sizeof(thing));
	fields(&thing, &read);
	cr_assert(!read.broken);
	cr_assert(thing.small == 5 && thing.large == 0 && !thing.yes && *thing.text == '\0' &&
		  thing.bytes[3] == 0);
	records_finish(&written);
}

static bool breaks(uint64_t number)
{
	struct records written, read;
	struct thing thing;

	records_write(&written);
	record_begin(&written, 7);
	(void)record_number(&written, number);
	record_end(&written);
	records_read(&read, written.bytes, written.length);
	(void)record_next(&read);
	fields(&thing, &read);
	records_finish(&written);
	return read.broken;
}

Test(record, with_a_number_that_its_field_cannot_hold_is_broken)
{
	cr_assert(!breaks(255));
	cr_assert(breaks(256));
	cr_assert(breaks(UINT64_MAX));
}

Test(record, with_a_text_or_bytes_that_are_too_long_is_broken)
{
	struct records written, read;
	char text[8];

	for (size_t length = 0; length < 12; length++) {
		records_write(&written);
		record_begin(&written, 7);
		(void)record_span(&written, (struct span){ "aaaaaaaaaaaa", length });
		record_end(&written);
		records_read(&read, written.bytes, written.length);
		(void)record_next(&read);
		record_text(&read, text, sizeof(text));
		cr_assert_eq(read.broken, length >= sizeof(text), "%zu bytes", length);
		cr_assert_leq(strlen(text), sizeof(text) - 1);
		records_finish(&written);
	}
}

Test(record, with_bytes_that_lie_behind_its_end_is_broken)
{
	struct records written, read;

	write_one(&written);
	record_begin(&written, 8);
	(void)record_number(&written, 5); /* bytes, and none follow */
	record_end(&written);
	records_read(&read, written.bytes, written.length);
	(void)record_next(&read);
	(void)record_next(&read);
	cr_assert_eq(record_span(&read, (struct span){ 0 }).length, 0);
	cr_assert(read.broken);
	records_finish(&written);
}
