/* Pages: templates that are filled, text that stays text, and what a browser may keep. */
#include "server/http/page.h"

#include <criterion/criterion.h>
#include <string.h>

#include "server/http/asset.h"
#include "server/http/qr_code.h"

static struct response response;

static void init(void)
{
	response_init(&response);
}

static void finish(void)
{
	response_finish(&response);
}

TestSuite(page, .init = init, .fini = finish);

static const char *body(void)
{
	reply_bytes(&response.body, "", 1);
	return response.body.text;
}

Test(page, what_users_wrote_is_text)
{
	page_text(&response.body, "<b title=\"x\" id='y'>&amp;</b> plain");
	cr_expect_str_eq(body(), "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt; "
				 "plain");
}

static void fill(const void *context, struct span slot, struct reply *into)
{
	reply_bytes(into, context, strlen(context));
	reply_bytes(into, slot.text, slot.length);
}

Test(page, each_slot_is_filled_and_all_else_is_as_it_was_written)
{
	page_write(&response, "notice.html", fill, "a ");
	const char *text = body();

	cr_expect_not_null(strstr(text, "<h1>a title</h1>"));
	cr_expect_not_null(strstr(text, ">a text</p>"));
	cr_expect_null(strstr(text, "{{"));
	cr_expect_not_null(strstr(text, "</html>\n"));
}

Test(page, each_asset_that_is_named_somewhere_is_there)
{
	for (size_t i = 0; i < template_count; i++) {
		const char *text = (const char *)templates[i].bytes;
		const char *end = text + templates[i].size;

		while ((text = memmem(text, (size_t)(end - text), "/assets/", 8))) {
			const char *name = text + 8;
			struct span found = { name, strcspn(name, "\"") };
			bool there = false;

			for (size_t j = 0; j < asset_count; j++) {
				there |= span_equals(found, assets[j].name);
			}
			cr_expect(there, "%s: %.*s", templates[i].name, (int)found.length, name);
			text = name;
		}
	}
}

static unsigned validate(const char *known)
{
	struct request request = { .fields[FIELD_IF_NONE_MATCH] =
					   known ? span_of(known) : (struct span){ NULL, 0 } };

	response_finish(&response);
	response_init(&response);
	page_missing(&response);
	response.status = 200;
	page_validate(&request, &response);
	return response.status;
}

Test(page, a_browser_that_has_it_is_told_so_and_no_other)
{
	char known[64];

	cr_expect_eq(validate(NULL), 200);
	const char *tag = strstr(response.fields, "ETag: ") + 6;

	cr_assert_lt((size_t)snprintf(known, sizeof(known), "\"x\", W/%.34s", tag), sizeof(known));
	cr_expect_eq(validate(known), 304);
	cr_expect_eq(response.body.length, 0);
	cr_expect_eq(validate(known + 7), 304);
	cr_expect_eq(validate("*"), 304);
	cr_expect_eq(validate("\"x\""), 200);
	known[10] ^= 1;
	cr_expect_eq(validate(known), 200);
	cr_expect_gt(response.body.length, 0);
}

Test(page, what_is_too_long_for_a_picture_is_none)
{
	char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_not(qr_code_draw(text, &response.body));
	cr_expect(qr_code_draw("http://localhost/t/x", &response.body));
	cr_expect_not_null(strstr(body(), "</svg>"));
}
