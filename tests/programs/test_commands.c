/* Every command's final line and errors, as the protocol has them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"

static struct turnstiled server;
static struct talk talk, other;

/* A server with an operator's password, an event, and two people on two workers. */
static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server),
			 "--event", "rush=5:The Rush", "--max-quantity", "4");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	talk_ask(&talk, "/nick ann", "+nick ann");
	talk_ask(&other, "/nick bob", "+nick bob");
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_commands, .init = init, .fini = finish, .timeout = 60);

struct exchange {
	const char *line, *answer; /* the answer starts so; with '$' at its end it is all of it */
};

static void check(const struct exchange *exchanges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *answer = exchanges[i].answer;
		size_t length = strlen(answer);
		bool whole = answer[length - 1] == '$';
		const char *line;

		talk_say(&talk, "%s", exchanges[i].line);
		do {
			line = talk_expect_answer(&talk, "");
		} while (line[0] == '=' && answer[0] != '=');
		length -= whole;
		cr_expect(strncmp(line, answer, length) == 0 && (!whole || line[length] == '\0'),
			  "to '%s' came '%s', not '%s'", exchanges[i].line, line, answer);
	}
}

#define CHECK(...)                                      \
	check((const struct exchange[]){ __VA_ARGS__ }, \
	      sizeof((const struct exchange[]){ __VA_ARGS__ }) / sizeof(struct exchange))

Test(programs_commands, commands_about_oneself_and_the_server)
{
	CHECK({ "/ping", "+pong$" }, { "/PING  a  b ", "+pong a  b$" }, { "/nope", "-BADCMD " },
	      { "/", "-BADCMD " }, { "/ ping", "-BADCMD " }, { "/nick", "-BADARG " },
	      { "/nick a b", "-BADARG " }, { "/nick a!", "-BADARG " },
	      { "/nick aaaaaaaaaaaaaaaaaaaaaaaaa", "-BADARG " },
	      { "/nick aaaaaaaaaaaaaaaaaaaaaaaa", "+nick aaaaaaaaaaaaaaaaaaaaaaaa$" },
	      { "/nick BOB", "-NICKINUSE " }, { "/nick ann", "+nick ann$" },
	      { "/nick Ann", "+nick Ann$" }, { "/nick ann", "+nick ann$" },
	      { "/where", "+where ann 1 " }, { "/where BOB", "+where bob 2 " },
	      { "/where nobody", "-NOTFOUND " }, { "/where a!", "-BADARG " }, { "/who", "+who 2$" },
	      { "/stats", "+stats " }, { "/help ping", "=/ping [TEXT] - " });
	talk_expect(&talk, "+help 1");
	CHECK({ "/help /BOOK", "=/book EVENT [QTY] [key=KEY] - " });
	talk_expect(&talk, "+help 1");
	CHECK({ "/help nope", "-NOTFOUND " }, { "/quit", "+bye$" });
	talk_expect_end(&talk);
}

Test(programs_commands, help_lists_every_command_once)
{
	static const char *const names[] = { "help", "ping", "nick", "quit",  "join",    "part",
					     "say",  "tell", "who",  "where", "rooms",   "events",
					     "left", "book", "op",   "event", "workers", "stats" };
	char start[64];
	unsigned seen[sizeof(names) / sizeof(names[0])] = { 0 };
	unsigned rows = 0, count = 0;
	const char *line;

	talk_say(&talk, "/help");
	for (; (line = talk_line(&talk))[0] == '='; rows++) {
		cr_expect_not_null(strstr(line, " - "), "%s", line);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(start, sizeof(start), "=/%s ", names[i]);
			seen[i] += strncmp(line, start, strlen(start)) == 0;
		}
	}
	cr_assert_eq(sscanf(line, "+help %u", &count), 1);
	cr_expect_eq(count, rows);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_expect_eq(seen[i], 1, "/%s is listed %u times", names[i], seen[i]);
	}
}

Test(programs_commands, commands_on_rooms)
{
	CHECK({ "hello", "-NOROOM " }, { "/say hello", "-NOROOM " },
	      { "/say #r hello", "-NOROOM " }, { "/part", "-NOROOM " }, { "/part #r", "-NOROOM " },
	      { "/join", "-BADARG " }, { "/join r", "-BADARG " }, { "/join #", "-BADARG " },
	      { "/join #a*", "-BADARG " },
	      { "/join #aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-BADARG " },
	      { "/join #Raum", "+join #Raum 1$" }, { "/join #rAUM", "+join #Raum 1$" },
	      { "/say", "-BADARG " }, { "/say #raum", "-BADARG " },
	      { "/say #RAUM hello", "+say #Raum$" }, { "/who #raum", "+who 1$" },
	      { "/who #none", "-NOTFOUND " }, { "/who raum", "-BADARG " },
	      { "/join #two", "+join #two 1$" }, { "/say x", "+say #two$" },
	      { "/part", "+part #two$" }, { "/say x", "+say #Raum$" }, { "/rooms", "=#rush 0" });
	talk_expect(&talk, "=#Raum 1");
	talk_expect(&talk, "+rooms 2");
	CHECK({ "/part #RAUM", "+part #Raum$" }, { "/who #raum", "-NOTFOUND " },
	      { "/say x", "-NOROOM " }, { "/join #RUSH", "+join #rush 1$" },
	      { "/part", "+part #rush$" }, { "/who #rush", "+who 0$" });
}

Test(programs_commands, words_for_one_person)
{
	CHECK({ "/tell", "-BADARG " }, { "/tell bob", "-BADARG " }, { "/tell b! x", "-BADARG " },
	      { "/tell nobody hello", "-NOTFOUND " }, { "/tell BOB hello  you", "+tell bob$" });
	talk_expect(&other, "*tell ann hello  you");
	talk_say(&talk, "/tell ann me");
	bool told = talk_line(&talk)[0] == '*'; /* before its final line, or after */
	talk_expect_start(&talk, told ? "+tell ann" : "*tell ann me");
}

Test(programs_commands, words_for_one_person_keep_their_order)
{
	char line[64];

	for (int i = 0; i < 500; i++) {
		talk_say(&talk, "/tell bob %d", i);
	}
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "*tell ann %d", i);
		talk_expect(&other, line);
		talk_expect(&talk, "+tell bob");
	}
}

Test(programs_commands, tickets)
{
	char line[64], code[32], again[32];

	CHECK({ "/events", "=rush 5/5 open The Rush$" });
	talk_expect(&talk, "+events 1");
	CHECK({ "/left rush", "+left rush 5 5$" }, { "/left", "-BADARG " },
	      { "/left RUSH", "-BADARG " }, { "/left none", "-NOTFOUND " }, { "/book", "-BADARG " },
	      { "/book none", "-NOTFOUND " }, { "/book Rush", "-BADARG " },
	      { "/book rush 0", "-BADARG " }, { "/book rush -1", "-BADARG " },
	      { "/book rush 1x", "-BADARG " }, { "/book rush 5", "-LIMIT " },
	      { "/book rush 1 2", "-BADARG " }, { "/book rush 99999999999999999999", "-BADARG " },
	      { "/book rush key=", "-BADARG " }, { "/book rush key=a-good-long-key-!", "-BADARG " },
	      { "/left rush", "+left rush 5 5$" });
	sscanf(talk_ask(&talk, "/book rush 3 key=a-good-long-key-K", "+booked "), "+booked %31s",
	       code);
	cr_expect_eq(strlen(code), 19);
	sscanf(talk_ask(&talk, "/book rush key=a-good-long-key-K 3", "+booked "), "+booked %31s",
	       again);
	cr_expect_str_eq(code, again);
	snprintf(line, sizeof(line), "+booked %s rush 3", code);
	talk_say(&other, "/book rush 3 key=a-good-long-key-K");
	talk_expect(&other, line);
	CHECK({ "/book rush 2 key=a-good-long-key-K", "-BADARG " },
	      { "/book rush 3", "-SOLDOUT rush 2$" },
	      { "/book rush 2 key=a-good-long-key-k", "+booked " },
	      { "/book rush", "-SOLDOUT rush 0$" }, { "/left rush", "+left rush 0 5$" });
}

Test(programs_commands, a_key_that_can_be_guessed_is_refused_with_the_reason)
{
	CHECK({ "/book rush key=fifteen-letters", "-BADARG KEY is 16 to 64 of " },
	      { "/hold rush key=fifteen-letters", "-BADARG KEY is 16 to 64 of " },
	      { "/book rush key=sixteen--letters", "+booked " });
}

Test(programs_commands, what_is_given_twice_is_refused)
{
	CHECK({ "/book rush key=a-good-long-key-1 key=a-good-long-key-2", "-BADARG key= is there" },
	      { "/book rush key=a-good-long-key-1 KEY=a-good-long-key-1", "-BADARG key= is there" },
	      { "/hold rush ttl=5 ttl=5", "-BADARG ttl= is there" },
	      { "/hold rush tied ttl=5 Tied", "-BADARG Tied is there" },
	      { "/hold rush 1 tied 1", "-BADARG too many" }, { "/left rush", "+left rush 5 5$" },
	      { "/book rush key=a-good-long-key-2", "+booked " });
}

Test(programs_commands, an_operator_manages_events_and_nobody_else)
{
	CHECK({ "/event new a 5", "-DENIED " }, { "/event close rush", "-DENIED " },
	      { "/event", "-DENIED " }, { "/workers", "-DENIED " }, { "/op", "-BADARG " },
	      { "/op open", "-DENIED " }, { "/op open sesame!", "-DENIED " },
	      { "/op opensesame", "-DENIED " }, { "/workers", "-DENIED " },
	      { "/op open sesame", "+op$" }, { "/workers", "+workers 2$" },
	      { "/event", "-BADARG " }, { "/event burn rush", "-BADARG " },
	      { "/event new", "-BADARG " }, { "/event new b", "-BADARG " },
	      { "/event new b 0", "-BADARG " }, { "/event new B 5", "-BADARG " },
	      { "/event new rush 5", "-EXISTS " }, { "/event new b 2 Two  B", "+event b 2$" },
	      { "/events", "=rush " });
	talk_expect(&talk, "=b 2/2 open Two  B");
	talk_expect(&talk, "+events 2");
	CHECK({ "/book b 2", "+booked " }, { "/event close b", "+event b closed$" },
	      { "/book b", "-CLOSED " }, { "/event grow b 3", "+event b 5$" },
	      { "/event open b", "+event b open$" }, { "/left b", "+left b 3 5$" },
	      { "/event grow b -3", "+event b 2$" }, { "/event grow b -1", "-LIMIT " },
	      { "/event grow b x", "-BADARG " }, { "/event open none", "-NOTFOUND " },
	      { "/event close none", "-NOTFOUND " }, { "/event grow none 1", "-NOTFOUND " },
	      { "/event open b now", "-BADARG " });
	talk_say(&other, "/workers");
	talk_expect_start(&other, "-DENIED ");
}

/* "COMMAND xxx…": so many bytes at its end, of which the first are, once clean, three each. */
static const char *with_text(const char *command, int bytes, int unclean)
{
	static char line[1024];
	size_t length = (size_t)snprintf(line, sizeof(line), "%s ", command);

	memset(line + length, '\a', (size_t)unclean);
	memset(line + length + unclean, 'x', (size_t)(bytes - unclean));
	line[length + (size_t)bytes] = '\0';
	return line;
}

Test(programs_commands, a_title_and_a_topic_have_so_many_bytes_once_clean_and_no_more)
{
	become_operator(&talk);
	talk_ask(&talk, with_text("/event new a 5", 201, 0), "-BADARG TITLE has at most 200 bytes");
	talk_ask(&talk, with_text("/event new a 5", 199, 1), "-BADARG TITLE has at most 200 bytes");
	talk_ask(&talk, with_text("/event new a 5", 198, 1), "+event a 5");
	talk_ask(&talk, "/join #r", "+join #r 1");
	talk_ask(&talk, with_text("/topic #r", 513, 0),
		 "-BADARG TEXT is too long: a topic has at ");
	talk_ask(&talk, with_text("/topic #r", 511, 1),
		 "-BADARG TEXT is too long: a topic has at ");
	talk_ask(&talk, "/topic #r", "+topic #r");
	talk_ask(&talk, with_text("/topic #r", 510, 1), "+topic #r \xEF\xBF\xBDxx");
}
