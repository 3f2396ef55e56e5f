/*
 * postgres_parameters: what a statement is given: numbers, texts, and arrays of both, as PostgreSQL
 * reads them.
 *
 * An array is begun, filled row by row and ended; several grow side by side, as a batch's columns
 * do. Memory is kept and used again; without any, `failed` is set and what is there is not sent.
 */
#ifndef DB_POSTGRES_PARAMETERS_H
#define DB_POSTGRES_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMETERS_MAX 12 /* of one statement */

struct parameter {
	char *text;
	size_t length;
	size_t room;
	size_t rows; /* of an array */
};

struct parameters {
	struct parameter of[PARAMETERS_MAX];
	const char *values[PARAMETERS_MAX]; /* set by parameters_values */
	unsigned count;
	bool failed;
};

/* Empties them: COUNT arrays without rows. */
void parameters_begin_arrays(struct parameters *parameters, unsigned count);

/* A row more of the array at PLACE. NULL is SQL's NULL. */
void parameters_add_number(struct parameters *parameters, unsigned place, int64_t number);
void parameters_add_text(struct parameters *parameters, unsigned place, const char *text);

/* Ends all arrays. */
void parameters_end_arrays(struct parameters *parameters);

/* Empties them: no parameters yet; then a single value more. */
void parameters_begin(struct parameters *parameters);
void parameters_put_number(struct parameters *parameters, int64_t number);
void parameters_put_text(struct parameters *parameters, const char *text, size_t length);

/* The values, for libpq; NULL when there was no memory. Good until they are begun anew. */
const char *const *parameters_values(struct parameters *parameters);

void parameters_finish(struct parameters *parameters);

#endif
