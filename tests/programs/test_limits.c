/* What one may have: tickets a request, and what one address holds or waits for at a time. */
#include <criterion/criterion.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"

static struct turnstiled server;
static struct talk ann;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_limits, .init = init, .fini = finish, .timeout = 60);

/* Tickets a request */

Test(programs_limits, a_request_has_at_most_ten_tickets)
{
	turnstiled_start(&server, "--event", "rush=100");
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, "+booked ", "/book rush 10");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/book rush 11");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/hold rush 11");
	ask(&ann, "-LIMIT at most 10 tickets a request$", "/wait rush 11");
	ask(&ann, "+left rush 90 100$", "/left rush");
}

Test(programs_limits, what_was_booked_before_the_limit_is_found_by_its_key)
{
	char code[TICKET_CODE_SIZE];

	turnstiled_start(&server, "--event", "rush=100", "--max-quantity", "0");
	talk_open_greeted(&ann, server.lines_port);
	ask_code(&ann, code, "+booked ", "/book rush 50 key=a-good-long-key-a");
	turnstiled_stop(&server);
	talk_close(&ann);
	turnstiled_start(&server);
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, text_of("+booked %s rush 50$", code), "/book rush 50 key=a-good-long-key-a");
	ask(&ann, "-LIMIT ", "/book rush 50 key=a-good-long-key-b");
}
