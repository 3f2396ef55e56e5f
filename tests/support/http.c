#include "tests/support/http.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define REQUEST_SIZE 65536 /* bytes */

static uint16_t port_of(const struct talk *talk)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	cr_assert_eq(getpeername(talk->descriptor, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

void http_send_at(struct place place, struct talk *talk, const char *method, const char *path,
		  const char *fields, const char *body)
{
	static char request[REQUEST_SIZE];
	int length =
		snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s",
			 method, path, port_of(talk), fields);

	if (body) {
		length += snprintf(request + length, sizeof(request) - (size_t)length,
				   "Content-Length: %zu\r\n", strlen(body));
	}
	length += snprintf(request + length, sizeof(request) - (size_t)length, "\r\n%s",
			   body ? body : "");
	cr_assert_lt(length, (int)sizeof(request));
	talk_write_at(place, talk, request, (size_t)length);
}

void http_field(const struct http_answer *answer, const char *name, char *value, size_t size)
{
	const size_t length = strlen(name);

	value[0] = '\0';
	for (const char *line = answer->head; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			const char *from = line + length + 1 + strspn(line + length + 1, " ");

			snprintf(value, size, "%.*s", (int)strcspn(from, "\n"), from);
			return;
		}
	}
}

static void receive_head(struct place place, struct talk *talk, struct http_answer *answer)
{
	size_t length = 0;

	for (;;) {
		const char *line = talk_line_at(place, talk);
		size_t whole = strlen(line);

		cr_assert(whole > 0 && line[whole - 1] == '\r', "'%s' does not end with CR LF",
			  line);
		if (whole == 1) {
			return;
		}
		length += (size_t)snprintf(answer->head + length, sizeof(answer->head) - length,
					   "%.*s\n", (int)whole - 1, line);
		cr_assert_lt(length, sizeof(answer->head));
	}
}

unsigned http_receive_at(struct place place, struct talk *talk, struct http_answer *answer,
			 bool has_body)
{
	char text[32];

	answer->head[0] = '\0';
	receive_head(place, talk, answer);
	cr_assert_eq(sscanf(answer->head, "HTTP/1.1 %u ", &answer->status), 1, "'%s'",
		     answer->head);
	http_field(answer, "Content-Length", text, sizeof(text));
	answer->length = has_body ? strtoul(text, NULL, 10) : 0;
	cr_assert_lt(answer->length, sizeof(answer->body));
	if (answer->length > 0) {
		talk_read_at(place, talk, answer->body, answer->length);
	}
	answer->body[answer->length] = '\0';
	return answer->status;
}

unsigned http_ask_at(struct place place, struct talk *talk, struct http_answer *answer,
		     const char *method, const char *path, const char *fields, const char *body)
{
	http_send_at(place, talk, method, path, fields, body);
	return http_receive_at(place, talk, answer, strcmp(method, "HEAD") != 0);
}
