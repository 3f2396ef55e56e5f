#include "tests/programs/buyer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/programs/watch.h"

void buyer_open(struct buyer *buyer, uint16_t port, unsigned worker, const char *event,
		const char *prefix)
{
	memset(buyer, 0, sizeof(*buyer));
	buyer->event = event;
	snprintf(buyer->prefix, sizeof(buyer->prefix), "%s", prefix);
	if (worker > 0) {
		open_on(&buyer->talk, port, worker);
	} else {
		talk_open_greeted(&buyer->talk, port);
	}
}

void buyer_ask(struct buyer *buyer, unsigned count)
{
	cr_assert_leq(buyer->asked + count, BUYER_MAX);
	for (; count > 0; count--) {
		talk_say(&buyer->talk, "/book %s key=a-good-long-key-%s%u", buyer->event,
			 buyer->prefix, buyer->asked++);
	}
}

static void take_line(struct buyer *buyer, const char *line)
{
	if (line[0] == '*') {
		return;
	}
	cr_assert_lt(buyer->answered, buyer->asked, "answered twice: '%s'", line);
	if (sscanf(line, "+booked %19s", buyer->codes[buyer->answered++]) == 1) {
		buyer->booked++;
	} else if (strncmp(line, "-SOLDOUT ", 9) == 0) {
		buyer->sold_out++;
	} else {
		buyer->failed++;
	}
}

static void take_lines(struct buyer *buyer)
{
	struct talk *talk = &buyer->talk;
	char *start = talk->bytes + talk->start;
	char *end;

	while ((end = memchr(start, '\n', (size_t)(talk->bytes + talk->end - start)))) {
		*end = '\0';
		take_line(buyer, start);
		start = end + 1;
	}
	talk->end = (size_t)(talk->bytes + talk->end - start);
	talk->start = 0;
	memmove(talk->bytes, start, talk->end);
}

bool buyer_heard(struct buyer *buyer)
{
	struct talk *talk = &buyer->talk;
	ssize_t count = 1;

	take_lines(buyer);
	while (count > 0 && !buyer->gone && buyer->answered < buyer->asked) {
		count = recv(talk->descriptor, talk->bytes + talk->end,
			     sizeof(talk->bytes) - talk->end, MSG_DONTWAIT);
		talk->end += count > 0 ? (size_t)count : 0;
		buyer->gone = count == 0 || (count < 0 && errno != EAGAIN);
		take_lines(buyer);
	}
	return buyer->gone || buyer->answered == buyer->asked;
}

bool buyers_heard(struct buyer *buyers, unsigned count)
{
	bool all = true;

	for (unsigned i = 0; i < count; i++) {
		all &= buyer_heard(&buyers[i]);
	}
	return all;
}

bool buyer_has_tickets(const struct buyer *buyer, struct talk *talk)
{
	char answer[TALK_LINE_SIZE];
	bool all = true;

	for (unsigned i = 0; i < buyer->answered; i++) {
		if (buyer->codes[i][0] != '\0') {
			talk_say(talk, "/ticket %s", buyer->codes[i]);
		}
	}
	for (unsigned i = 0; i < buyer->answered; i++) {
		snprintf(answer, sizeof(answer), "+ticket %s %s 1 booked", buyer->codes[i],
			 buyer->event);
		if (buyer->codes[i][0] != '\0') {
			all &= strcmp(talk_expect_answer(talk, ""), answer) == 0;
		}
	}
	return all;
}
