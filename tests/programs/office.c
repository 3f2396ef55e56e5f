#include "tests/programs/office.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/programs/watch.h"

#define TEXTS     8
#define TEXT_SIZE 512

const char *text_of(const char *format, ...)
{
	static char texts[TEXTS][TEXT_SIZE];
	static unsigned next;
	char *text = texts[next++ % TEXTS];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, TEXT_SIZE, format, arguments);
	va_end(arguments);
	cr_assert(length >= 0 && length < TEXT_SIZE);
	return text;
}

static bool is_answer(const char *line, const char *answer)
{
	size_t length = strlen(answer);
	bool whole = length > 0 && answer[length - 1] == '$';

	length -= whole;
	return strncmp(line, answer, length) == 0 && (!whole || line[length] == '\0');
}

const char *ask_at(struct place place, struct talk *talk, const char *answer, const char *format,
		   ...)
{
	char question[TALK_LINE_SIZE];
	const char *line;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(question, sizeof(question), format, arguments);
	va_end(arguments);
	talk_say_at(place, talk, "%s", question);
	do {
		line = talk_expect_answer_at(place, talk, "");
	} while (line[0] == '=' && answer[0] != '=');
	cr_assert(is_answer(line, answer), "%s:%d: to '%s' came '%s', not '%s'", place.file,
		  place.line, question, line, answer);
	return line;
}

void code_in(const char *line, char code[TICKET_CODE_SIZE])
{
	cr_assert_eq(sscanf(line, "%*s %19s", code), 1, "no code in '%s'", line);
}

void expect_offer_at(struct place place, struct talk *talk, const char *what,
		     char code[TICKET_CODE_SIZE])
{
	const char *line;

	do { /* how far one has come may be told first */
		line = talk_expect_event_at(place, talk, "*");
	} while (strncmp(line, "*waiting ", strlen("*waiting ")) == 0);
	code_in(line, code);
	cr_assert(is_answer(line, text_of("*offer %s %s 120$", code, what)), "%s:%d: '%s'",
		  place.file, place.line, line);
}

long left_of(struct talk *talk, const char *event)
{
	long left = -1;

	sscanf(ask(talk, "+left ", "/left %s", event), "+left %*s %ld", &left);
	return left;
}

bool adds_up(struct talk *talk, const char *event)
{
	const char *line = ask(talk, "+audit ", "/audit %s", event);

	return strcmp(line + strlen(line) - 3, " ok") == 0;
}

const char *password_file(const struct turnstiled *server)
{
	static char path[FOLDER_PATH_SIZE];

	folder_file(&server->folder, "password", path);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file);
	cr_assert_eq(fchmod(fileno(file), 0600), 0); /* others may not read it */
	fputs("open sesame\n", file);
	fclose(file);
	return path;
}

void become_operator(struct talk *talk)
{
	ask(talk, "+op$", "/op open sesame");
}

void enter_two(struct turnstiled *server, const char *dispatch, struct talk *ann, struct talk *bob)
{
	turnstiled_start(server, "--workers", "2", "--dispatch", dispatch, "--event", "rush=5",
			 "--op-password-file", password_file(server));
	open_on(ann, server->lines_port, 1);
	open_on(bob, server->lines_port, 2);
	ask(ann, "+nick ann$", "/nick ann");
	ask(bob, "+nick bob$", "/nick bob");
	ask(ann, "+join #r 1$", "/join #r");
	ask(bob, "+join #r 2$", "/join #r");
	talk_expect_event(ann, "*join #r bob");
}

const char *store_url(const struct turnstiled *server, const char *kind, const char *name)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server->folder, name, path);
	return text_of("%s:%s", kind, path);
}

unsigned times_in_log(const struct turnstiled *server, const char *text)
{
	static char log[1 << 20];
	char path[FOLDER_PATH_SIZE];
	unsigned times = 0;

	folder_file(&server->folder, "log", path);
	FILE *file = fopen(path, "re");
	if (!file) {
		return 0;
	}
	size_t length = fread(log, 1, sizeof(log) - 1, file);
	log[length] = '\0';
	fclose(file);
	for (const char *at = log; (at = strstr(at, text)); at += strlen(text)) {
		times++;
	}
	return times;
}

bool log_has(const struct turnstiled *server, const char *text)
{
	return times_in_log(server, text) > 0;
}
