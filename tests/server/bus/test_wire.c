#include "server/bus/wire.h"

#include <criterion/criterion.h>
#include <string.h>

static struct records records;

static struct wire_message a_line(void)
{
	return (struct wire_message){
		.head = { .node = "a", .epoch = 7, .worker = 1, .number = 42 },
		.room = span_of("#tea"),
		.said = { .kind = MESSAGE_SAID,
			  .nick = span_of("ann"),
			  .text = span_of("good morning"),
			  .sender = { 1, 2, 3 },
			  .wall_ns = 1000 }
	};
}

static enum wire_result write_and_read(struct wire_message message, struct wire_message *read)
{
	records_finish(&records);
	records_write(&records);
	wire_write(&records, &message);
	return wire_read((struct span){ (const char *)records.bytes, records.length }, read);
}

static void finish(void)
{
	records_finish(&records);
}

TestSuite(wire, .fini = finish);

Test(wire, what_was_written_is_read)
{
	struct wire_message read;

	cr_assert_eq(write_and_read(a_line(), &read), WIRE_GOOD);
	cr_expect_str_eq(read.head.node, "a");
	cr_expect_eq(read.head.epoch, 7);
	cr_expect_eq(read.head.worker, 1);
	cr_expect_eq(read.head.number, 42);
	cr_expect(span_equals(read.room, "#tea"));
	cr_expect_eq(read.said.kind, MESSAGE_SAID);
	cr_expect(span_equals(read.said.nick, "ann"));
	cr_expect(span_equals(read.said.text, "good morning"));
	cr_expect_eq(read.said.sender.session, 3);
	cr_expect_eq(read.said.wall_ns, 1000);
}

Test(wire, cut_anywhere_it_is_not_read)
{
	struct wire_message read;

	cr_assert_eq(write_and_read(a_line(), &read), WIRE_GOOD);
	for (size_t length = 0; length < records.length; length++) {
		cr_expect_eq(wire_read((struct span){ (const char *)records.bytes, length }, &read),
			     WIRE_STRANGE);
	}
}

/* Who may write into the stream may write anything. */
Test(wire, what_nobody_can_have_said_is_not_usable)
{
	struct wire_message read;
	struct wire_message message = a_line();

	message.room = span_of("tea");
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
	message = a_line();
	message.said.nick = span_of("ann ann");
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
	message = a_line();
	message.said.text = span_of("\x1b[2J");
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
	message = a_line();
	message.said.text = span_of("bad \xff byte");
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
}

Test(wire, what_is_longer_than_a_line_can_be_is_not_usable)
{
	static char text[ROOM_MESSAGE_MAX + 1];
	struct wire_message message = a_line();
	struct wire_message read;

	memset(text, 'x', sizeof(text));
	message.said.text = (struct span){ text, sizeof(text) };
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
	message.said.kind = MESSAGE_TOPIC;
	message.said.text = (struct span){ text, ROOM_TOPIC_SIZE };
	cr_expect_eq(write_and_read(message, &read), WIRE_UNUSABLE);
	message.said.text.length = ROOM_TOPIC_SIZE - 1;
	cr_expect_eq(write_and_read(message, &read), WIRE_GOOD);
}

Test(wire, whose_machine_has_no_name_is_a_stranger)
{
	struct wire_message message = a_line();
	struct wire_message read;

	memcpy(message.head.node, "A B", sizeof("A B"));
	cr_expect_eq(write_and_read(message, &read), WIRE_STRANGE);
	message = a_line();
	message.head.worker = OPTIONS_WORKERS_MAX;
	cr_expect_eq(write_and_read(message, &read), WIRE_STRANGE);
}

Test(wire, of_a_kind_that_is_not_known_the_head_is_read)
{
	struct wire_message read;

	cr_assert_eq(write_and_read(a_line(), &read), WIRE_GOOD);
	records.bytes[0] = 200;
	cr_expect_eq(wire_read((struct span){ (const char *)records.bytes, records.length }, &read),
		     WIRE_UNUSABLE);
	cr_expect_eq(read.head.number, 42);
}

static const char *subject_of(const char *room)
{
	static char subjects[2][WIRE_SUBJECT_SIZE];
	static unsigned at;

	wire_subject(MESSAGE_SAID, span_of(room), subjects[++at % 2]);
	return subjects[at % 2];
}

Test(wire, a_room_has_one_subject_however_it_is_spelled)
{
	cr_expect_str_eq(subject_of("#Tea"), "turnstile.say.tea");
	cr_expect_str_eq(subject_of("#TEA"), subject_of("#tea"));
	cr_expect_str_eq(subject_of("#STRASSE"), "turnstile.say.strasse");
	cr_expect_str_eq(subject_of("#Stra\xc3\x9f"
				    "e"),
			 "turnstile.say.strasse");
	cr_expect_str_neq(subject_of("#t\xc3\xa9"), subject_of("#t\xc3\xa8"));
}

/* U+FDFA folds to several words: a blank would end the subject, and begin something else. */
Test(wire, no_room_writes_a_blank_or_a_dot_into_its_subject)
{
	const char *subject = subject_of("#\xef\xb7\xba");

	cr_expect(strcspn(subject, " \t\r\n*>") == strlen(subject), "%s", subject);
	cr_expect_eq(strlen(subject), strlen("turnstile.say.=") + 32);
}
