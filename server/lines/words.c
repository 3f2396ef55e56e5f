#include "server/lines/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "db/booking/ticket.h"

#define FIGURES_SIZE 96 /* bytes of a message's line besides room, nick and text, at most */

void words_problem(struct reply *reply, const struct problem *problem)
{
	reply_line(reply, "-%s %s", problem_code_name(problem->code), problem->text);
}

/* Bookings */

static void ticket(struct reply *reply, const char *word, const struct booking_answer *answer)
{
	reply_line(reply, "+%s %s %s %" PRId64, word, answer->code, answer->event,
		   answer->quantity);
}

static void booked(struct reply *reply, const struct booking_answer *answer)
{
	if (answer->state == TICKET_HELD) {
		reply_line(reply, "+held %s %s %" PRId64 " %" PRId64, answer->code, answer->event,
			   answer->quantity, answer->seconds);
	} else {
		ticket(reply, "booked", answer);
	}
}

void words_booking(struct reply *reply, const struct booking_request *request,
		   const struct booking_answer *answer)
{
	switch (request->verb) {
	case BOOKING_BOOK:
	case BOOKING_HOLD:
	case BOOKING_CONFIRM: booked(reply, answer); break;
	case BOOKING_CANCEL: ticket(reply, "cancelled", answer); break;
	case BOOKING_ADMIT: ticket(reply, "admitted", answer); break;
	case BOOKING_TICKET:
		reply_line(reply, "+ticket %s %s %" PRId64 " %s", answer->code, answer->event,
			   answer->quantity, ticket_state_name(answer->state));
		break;
	case BOOKING_WAIT:
		reply_line(reply, "+waiting %s %" PRId64 " %u", answer->event, answer->quantity,
			   answer->position);
		break;
	case BOOKING_AUDIT:
		reply_line(reply, "+audit %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " ok",
			   answer->event, answer->sold, answer->held,
			   answer->total - answer->sold - answer->held, answer->total);
		break;
	case BOOKING_EVENT_NEW:
	case BOOKING_EVENT_GROW:
		reply_line(reply, "+event %s %" PRId64, request->event, answer->total);
		break;
	case BOOKING_EVENT_OPEN: reply_line(reply, "+event %s open", request->event); break;
	case BOOKING_EVENT_CLOSE: reply_line(reply, "+event %s closed", request->event); break;
	case BOOKING_RELEASE: break;
	}
}

/* Events */

static size_t put(char *line, size_t length, struct span word)
{
	memcpy(line + length, word.text, word.length);
	return length + word.length;
}

/* " WORD", or nothing where there is no word. */
static size_t put_word(char *line, size_t length, struct span word)
{
	if (word.length == 0) {
		return length;
	}
	line[length] = ' ';
	return put(line, length + 1, word);
}

/* The figures of those events that are about tickets. */
static size_t put_figures(char *line, size_t length, const struct message *message)
{
	char *to = line + length;
	int added = 0;

	if (message->kind == MESSAGE_SALE) {
		added = snprintf(to, FIGURES_SIZE, " %" PRId64 " %" PRId64 "%s", message->sale.left,
				 message->sale.total, message->sale.unlocked ? " unlocked" : "");
	} else if (message->kind == MESSAGE_OFFER) {
		added = snprintf(to, FIGURES_SIZE, " %" PRId64 " %" PRId64, message->offer.quantity,
				 message->offer.seconds);
	} else if (message->kind == MESSAGE_WAITING) {
		added = snprintf(to, FIGURES_SIZE, " %" PRId64 " %u", message->waiting.quantity,
				 message->waiting.position);
	}
	return length + (size_t)added;
}

size_t words_message_size(const struct message *message)
{
	return FIGURES_SIZE + message->room.length + message->nick.length + message->text.length;
}

/* "*kind [#ROOM] [NICK] [TEXT] [FIGURES]" */
size_t words_message(const struct message *message, char *line)
{
	static const struct {
		struct span start;
		bool names_room;
	} words[] = {
		[MESSAGE_SAID] = { { "*say", 4 }, true },
		[MESSAGE_JOINED] = { { "*join", 5 }, true },
		[MESSAGE_PARTED] = { { "*part", 5 }, true },
		[MESSAGE_TOPIC] = { { "*topic", 6 }, true },
		[MESSAGE_RENAMED] = { { "*nick", 5 }, false },
		[MESSAGE_SALE] = { { "*sale", 5 }, false },
		[MESSAGE_TOLD] = { { "*tell", 5 }, false },
		[MESSAGE_NOTICE] = { { "*notice", 7 }, false },
		[MESSAGE_OFFER] = { { "*offer", 6 }, false },
		[MESSAGE_WAITING] = { { "*waiting", 8 }, false },
	};
	size_t length = put(line, 0, words[message->kind].start);

	if (words[message->kind].names_room) {
		length = put_word(line, length, message->room);
	}
	if (message->kind == MESSAGE_OFFER) {
		length = put_word(line, length, span_of(message->offer.code));
	}
	length = put_word(line, length, message->nick);
	length = put_word(line, length, message->text);
	if (message->kind >= MESSAGE_SALE) {
		length = put_figures(line, length, message);
	}
	line[length] = '\n';
	return length + 1;
}

/* Bytes of telnet's, which end no line, are sent by themselves. */
size_t words_line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);

	return end ? (size_t)(end - bytes) + 1 : length;
}
