#include "db/postgres/parameters.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST    256 /* bytes */
#define DIGITS_MAX    20  /* of a number of 64 bits, and its sign */
#define DECIMAL_RADIX 10

static bool make_room(struct parameters *parameters, struct parameter *parameter, size_t more)
{
	if (parameter->length + more < parameter->room) {
		return true;
	}
	size_t room = parameter->room ? parameter->room * 2 : ROOM_LEAST;
	while (room <= parameter->length + more) {
		room *= 2;
	}
	char *text = realloc(parameter->text, room);
	if (!text) {
		parameters->failed = true;
		return false;
	}
	parameter->text = text;
	parameter->room = room;
	return true;
}

static void put(struct parameters *parameters, unsigned place, const char *bytes, size_t length)
{
	struct parameter *parameter = &parameters->of[place];
	if (make_room(parameters, parameter, length)) {
		memcpy(parameter->text + parameter->length, bytes, length);
		parameter->length += length;
		parameter->text[parameter->length] = '\0';
	}
}

/* By hand: a batch has thousands of them. */
static void put_number(struct parameters *parameters, unsigned place, int64_t number)
{
	char digits[DIGITS_MAX];
	size_t from = DIGITS_MAX;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do {
		digits[--from] = (char)('0' + rest % DECIMAL_RADIX);
		rest /= DECIMAL_RADIX;
	} while (rest > 0);
	if (number < 0) {
		put(parameters, place, "-", 1);
	}
	put(parameters, place, digits + from, DIGITS_MAX - from);
}

static void begin(struct parameters *parameters, unsigned count)
{
	parameters->count = count;
	parameters->failed = false;
	for (unsigned i = 0; i < PARAMETERS_MAX; i++) {
		parameters->of[i].length = 0;
		parameters->of[i].rows = 0;
	}
}

void parameters_begin_arrays(struct parameters *parameters, unsigned count)
{
	begin(parameters, count);
	for (unsigned i = 0; i < count; i++) {
		put(parameters, i, "{", 1);
	}
}

static void begin_row(struct parameters *parameters, unsigned place)
{
	if (parameters->of[place].rows++ > 0) {
		put(parameters, place, ",", 1);
	}
}

void parameters_add_number(struct parameters *parameters, unsigned place, int64_t number)
{
	begin_row(parameters, place);
	put_number(parameters, place, number);
}

void parameters_add_text(struct parameters *parameters, unsigned place, const char *text)
{
	begin_row(parameters, place);
	put(parameters, place, "\"", 1);
	while (*text != '\0') {
		size_t plain = strcspn(text, "\"\\");
		put(parameters, place, text, plain);
		text += plain;
		if (*text != '\0') {
			put(parameters, place, "\\", 1);
			put(parameters, place, text++, 1);
		}
	}
	put(parameters, place, "\"", 1);
}

void parameters_end_arrays(struct parameters *parameters)
{
	for (unsigned i = 0; i < parameters->count; i++) {
		put(parameters, i, "}", 1);
	}
}

void parameters_begin(struct parameters *parameters)
{
	begin(parameters, 0);
}

void parameters_put_number(struct parameters *parameters, int64_t number)
{
	put_number(parameters, parameters->count++, number);
}

void parameters_put_text(struct parameters *parameters, const char *text, size_t length)
{
	put(parameters, parameters->count++, text, length);
}

const char *const *parameters_values(struct parameters *parameters)
{
	for (unsigned i = 0; i < parameters->count; i++) {
		parameters->values[i] = parameters->of[i].text;
	}
	return parameters->failed ? NULL : parameters->values;
}

void parameters_finish(struct parameters *parameters)
{
	for (unsigned i = 0; i < PARAMETERS_MAX; i++) {
		free(parameters->of[i].text);
	}
	*parameters = (struct parameters){ .count = 0 };
}
