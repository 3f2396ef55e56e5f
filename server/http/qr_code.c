#include "server/http/qr_code.h"

#include <errno.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#include "db/store/code.h"
#include "server/http/site.h"
#include "shared/base/log.h"

#define QUIET        4   /* modules of nothing around it, as the standard wants */
#define ADDRESS_SIZE 512 /* bytes of a ticket's address, a NUL counted in */

/* One path: each run of dark modules in a row is a rectangle of it. */
static void draw_modules(const QRcode *code, struct reply *body)
{
	const int width = code->width;

	for (int y = 0; y < width; y++) {
		const unsigned char *row = code->data + (ptrdiff_t)y * width;

		for (int x = 0, end; x < width; x = end + 1) {
			for (end = x; end < width && (row[end] & 1);) {
				end++;
			}
			if (end > x) {
				reply_line(body, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, end - x,
					   end - x);
			}
		}
	}
}

bool qr_code_draw(const char *text, struct reply *body)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

	if (!code && errno == ENOMEM) {
		die("out of memory");
	}
	if (!code) {
		return false;
	}
	const int side = code->width + 2 * QUIET;

	reply_line(body,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		   "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
		   "<path d=\"",
		   side, side, side, side);
	draw_modules(code, body);
	reply_line(body, "\"/></svg>");
	QRcode_free(code);
	return true;
}

/* The address that the browser has the ticket's page at. */
static bool write_address(const struct session *session, const struct request *request,
			  struct span code, char *address)
{
	const struct span host = request->fields[FIELD_HOST];
	const bool secure = site_of(session->stream).secure ||
			    site_is_secure(session->turn->shared->options, host);
	int length = snprintf(address, ADDRESS_SIZE, "%s://%.*s/t/%.*s", secure ? "https" : "http",
			      (int)host.length, host.text, (int)code.length, code.text);

	return length < ADDRESS_SIZE;
}

enum outcome qr_code_show(struct session *session, const struct request *request, struct span code,
			  struct response *response, struct problem *problem)
{
	char address[ADDRESS_SIZE];

	if (!code_is_well_formed(code) || code.length >= CODE_SIZE) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such code");
	}
	if (!write_address(session, request, code, address) ||
	    !qr_code_draw(address, &response->body)) {
		return refuse(problem, PROBLEM_BADARG, "the address is too long for a picture");
	}
	response->type = "image/svg+xml";
	return OUTCOME_DONE;
}
