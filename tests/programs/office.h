/*
 * office: what tests of the box office and of its operators say again and again.
 */
#ifndef TESTS_PROGRAMS_OFFICE_H
#define TESTS_PROGRAMS_OFFICE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/server.h"
#include "tests/support/talk.h"

#define TICKET_CODE_SIZE 20 /* bytes, a NUL counted in */

/* A formatted text; good until the eighth call from here. */
__attribute__((format(printf, 1, 2))) const char *text_of(const char *format, ...);

/*
 * Says a line and expects an answer, which starts so; with '$' at its end it is all of it. Rows
 * are skipped unless one is expected. The answer is returned.
 */
#define ask(talk, answer, ...) ask_at(HERE, talk, answer, __VA_ARGS__)
__attribute__((format(printf, 4, 5))) const char *ask_at(struct place place, struct talk *talk,
							 const char *answer, const char *format,
							 ...);

/* The same, and the answer's second word goes to CODE. */
#define ask_code(talk, code, answer, ...) code_in(ask_at(HERE, talk, answer, __VA_ARGS__), code)
void code_in(const char *line, char code[TICKET_CODE_SIZE]);

/* The next event is this offer: "EVENT QTY"; its code goes to CODE. */
#define expect_offer(talk, what, code) expect_offer_at(HERE, talk, what, code)
void expect_offer_at(struct place place, struct talk *talk, const char *what,
		     char code[TICKET_CODE_SIZE]);

/* What /left says is left. */
long left_of(struct talk *talk, const char *event);

/* Whether "/audit EVENT" says ok; a final -INTERNAL fails the test with its figures. */
bool adds_up(struct talk *talk, const char *event);

/* The file with the operator's password, for --op-password-file; and its use. */
const char *password_file(const struct turnstiled *server);
void become_operator(struct talk *talk);

/*
 * Starts it with two workers and that --dispatch; ANN and BOB are in #r under these names, each on
 * a worker of its own, and `rush` has five tickets.
 */
void enter_two(struct turnstiled *server, const char *dispatch, struct talk *ann, struct talk *bob);

/* "KIND:FILE" of a store named NAME in the server's folder. */
const char *store_url(const struct turnstiled *server, const char *kind, const char *name);

/* Whether the server's log has TEXT in it. */
bool log_has(const struct turnstiled *server, const char *text);
unsigned times_in_log(const struct turnstiled *server, const char *text);

#endif
