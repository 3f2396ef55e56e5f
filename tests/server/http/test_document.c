/* The OpenAPI document names what the server takes, all of it, and nothing else. */
#include "server/http/document.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/http/resource.h"

static json_t *document;

static void init(void)
{
	document = json_loadb((const char *)api_document, api_document_size, JSON_REJECT_DUPLICATES,
			      NULL);
	cr_assert(json_is_object(document));
}

static void finish(void)
{
	json_decref(document);
}

TestSuite(document, .init = init, .fini = finish);

static const char *const method_names[] = { [METHOD_GET] = "get",
					    [METHOD_POST] = "post",
					    [METHOD_PATCH] = "patch",
					    [METHOD_DELETE] = "delete" };

/* "/api/v1/events/{event}" with a '*' for what is in braces. */
static void make_pattern(const char *path, char pattern[128])
{
	size_t length = 0;

	for (; *path && length < 127; path++) {
		pattern[length++] = *path == '{' ? '*' : *path;
		if (*path == '{') {
			path += strcspn(path, "}");
		}
	}
	pattern[length] = '\0';
}

static bool is_resource(const char *path, const char *method)
{
	char pattern[128];

	make_pattern(path, pattern);
	for (size_t i = 0; i < resource_count; i++) {
		if (strcmp(resources[i].path, pattern) == 0 &&
		    strcmp(method_names[resources[i].method], method) == 0) {
			return true;
		}
	}
	return false;
}

static const json_t *operation_of(const struct resource *resource)
{
	const char *path;
	json_t *item;
	char pattern[128];

	json_object_foreach(json_object_get(document, "paths"), path, item)
	{
		make_pattern(path, pattern);
		if (strcmp(resource->path, pattern) == 0) {
			return json_object_get(item, method_names[resource->method]);
		}
	}
	return NULL;
}

/* What is for people and not for programs. */
static bool is_page(const struct resource *resource)
{
	static const char *const pages[] = { "/",     "/e/*", "/t/*",     "/t/*.svg",
					     "/door", "/op",  "/assets/*" };

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(resource->path, pages[i]) == 0) {
			return true;
		}
	}
	return false;
}

Test(document, each_resource_is_in_it_and_says_whether_it_is_for_operators)
{
	for (size_t i = 0; i < resource_count; i++) {
		const json_t *operation = operation_of(&resources[i]);

		if (is_page(&resources[i])) {
			continue;
		}
		cr_expect_not_null(operation, "%s", resources[i].path);
		cr_expect_eq(json_array_size(json_object_get(operation, "security")) > 0,
			     resources[i].role == FOR_OPERATORS, "%s", resources[i].path);
	}
}

Test(document, each_operation_of_it_is_a_resource)
{
	const char *path, *method;
	json_t *item, *operation;

	json_object_foreach(json_object_get(document, "paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			cr_expect(strcmp(method, "parameters") == 0 || is_resource(path, method),
				  "%s %s", method, path);
		}
	}
}
