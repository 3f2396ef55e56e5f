#include "server/http/credentials.h"

#include <stdio.h>

#include "server/chat/operator.h"
#include "server/http/body.h"
#include "server/http/site.h"
#include "server/state/logins.h"

#define COOKIE      "turnstile_op"
#define SECRET_SIZE (2 * LOGIN_SECRET_BYTES + 1) /* bytes of its text, a NUL counted in */

/* "name=value; name=value": the value of ours. */
static bool find_cookie(struct span cookies, struct span *value)
{
	while (cookies.length > 0) {
		const char *end = memchr(cookies.text, ';', cookies.length);
		struct span cookie = { cookies.text,
				       end ? (size_t)(end - cookies.text) : cookies.length };
		size_t used = cookie.length + (end ? 1 : 0);

		cookies = (struct span){ cookies.text + used, cookies.length - used };
		cookie = words_rest(cookie);
		if (span_starts(cookie, COOKIE "=")) {
			*value = (struct span){ cookie.text + sizeof(COOKIE),
						cookie.length - sizeof(COOKIE) };
			return true;
		}
	}
	return false;
}

static int hexadecimal(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_secret(struct span text, struct login_secret *secret)
{
	if (text.length != SECRET_SIZE - 1) {
		return false;
	}
	for (size_t i = 0; i < LOGIN_SECRET_BYTES; i++) {
		int high = hexadecimal(text.text[2 * i]);
		int low = hexadecimal(text.text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		secret->bytes[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

static void write_secret(const struct login_secret *secret, char text[SECRET_SIZE])
{
	for (size_t i = 0; i < LOGIN_SECRET_BYTES; i++) {
		(void)snprintf(text + 2 * i, 3, "%02x", secret->bytes[i]);
	}
}

static bool has_cookie(const struct request *request, struct login_secret *secret)
{
	struct span value;

	return request_has(request, FIELD_COOKIE) &&
	       find_cookie(request->fields[FIELD_COOKIE], &value) && read_secret(value, secret);
}

static enum outcome refuse_unknown(struct response *response)
{
	response_refuse(response, 401, "denied",
			"this is for operators: sign in, or give the password");
	response_field(response, "WWW-Authenticate: Bearer");
	return OUTCOME_REFUSED;
}

/* "Bearer PASSWORD": all that follows. */
static enum outcome check_password(struct session *session, struct span value,
				   struct response *response)
{
	const struct span scheme = { value.text, value.length < 7 ? value.length : 7 };
	struct problem problem;

	if (!span_equals_ignoring_case(scheme, "bearer ")) {
		return refuse_unknown(response);
	}
	enum outcome outcome = operator_check(
		session, (struct span){ value.text + 7, value.length - 7 }, &problem);

	if (outcome == OUTCOME_REFUSED) {
		response_problem(response, &problem);
	}
	return outcome;
}

enum outcome credentials_look(struct session *session, const struct request *request,
			      bool *is_operator)
{
	struct shared_state *shared = session->turn->shared;
	struct login_secret secret;

	*is_operator = false;
	if (!has_cookie(request, &secret)) {
		return OUTCOME_DONE;
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	*is_operator = logins_know(shared->logins, &secret, turn_now_ns(session->turn));
	directory_unlock(shared->directory);
	return OUTCOME_DONE;
}

enum outcome credentials_check(struct session *session, const struct request *request,
			       struct response *response)
{
	bool is_operator;

	if (request_has(request, FIELD_AUTHORIZATION)) {
		return check_password(session, request->fields[FIELD_AUTHORIZATION], response);
	}
	enum outcome outcome = credentials_look(session, request, &is_operator);

	return outcome != OUTCOME_DONE || is_operator ? outcome : refuse_unknown(response);
}

enum outcome credentials_show(struct session *session, const struct request *request,
			      struct span argument, struct response *response,
			      struct problem *problem)
{
	(void)session;
	(void)request;
	(void)argument;
	(void)problem;
	response_json(response, 200, json_pack("{s:b}", "operator", 1));
	return OUTCOME_DONE;
}

/* Over https only where that is how people come. */
static void set_cookie(const struct session *session, const struct request *request,
		       const char *value, int seconds, struct response *response)
{
	bool secure = site_is_secure(session->turn->shared->options, request->fields[FIELD_HOST]);

	response_field(response,
		       "Set-Cookie: " COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s",
		       value, seconds, secure ? "; Secure" : "");
}

static enum outcome sign_in(struct session *session, const struct request *request,
			    struct response *response)
{
	struct shared_state *shared = session->turn->shared;
	char text[SECRET_SIZE];

	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	const struct login_secret secret = logins_add(shared->logins, turn_now_ns(session->turn));

	directory_unlock(shared->directory);
	write_secret(&secret, text);
	set_cookie(session, request, text, LOGIN_SECONDS, response);
	session_note(session->turn, session, TRAIL_SIGN_IN, "is an operator now");
	response_json(response, 200, json_pack("{s:b}", "operator", 1));
	return OUTCOME_DONE;
}

enum outcome credentials_sign_in(struct session *session, const struct request *request,
				 struct span argument, struct response *response,
				 struct problem *problem)
{
	static const char *const members[] = { "password", NULL };
	json_t *body = body_read(request, members, response);
	struct span given = { NULL, 0 };
	enum outcome outcome;

	(void)argument;
	if (!body) {
		return OUTCOME_DONE;
	}
	outcome = body_text(body, "password", &given, problem);
	if (outcome == OUTCOME_DONE) {
		outcome = operator_check(session, given, problem);
	}
	json_decref(body);
	return outcome == OUTCOME_DONE ? sign_in(session, request, response) : outcome;
}

enum outcome credentials_sign_out(struct session *session, const struct request *request,
				  struct span argument, struct response *response,
				  struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	struct login_secret secret;

	(void)argument;
	(void)problem;
	if (has_cookie(request, &secret)) {
		if (!directory_try(shared->directory)) {
			return OUTCOME_AGAIN;
		}
		logins_forget(shared->logins, &secret);
		directory_unlock(shared->directory);
	}
	set_cookie(session, request, "", 0, response);
	response_json(response, 200, json_pack("{s:b}", "operator", 0));
	return OUTCOME_DONE;
}
