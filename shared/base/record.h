/*
 * record: data that another version of the program is to read: a row of records, each with a tag
 * and its length, each of numbers and bytes in a fixed order.
 *
 * Who reads passes over records whose tag it does not know. A field that is added later goes to its
 * record's end: an older reader leaves it out, and a newer one finds 0 where an older writer had
 * none. How large a number is in memory is nobody's business: it is written as it is needed.
 *
 * One function writes a kind of record and reads it, so that both agree: it names each field once
 * (RECORD_NUMBER, record_text, record_bytes). What is read may be anything: nothing here reads
 * beyond its end, and what cannot be sets `broken`. Whether a value makes sense is the caller's to
 * see.
 */
#ifndef SHARED_BASE_RECORD_H
#define SHARED_BASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/text/words.h"

struct records {
	bool reads;                  /* and does not write */
	bool broken;                 /* reading: these are none that we understand */
	unsigned char *bytes;        /* writing: private memory, given back by records_finish */
	const unsigned char *source; /* reading: the caller's, and as long as this is */
	size_t length;
	size_t room;  /* writing: of `bytes` */
	size_t at;    /* reading: of the next field */
	size_t begin; /* of the record's fields */
	size_t end;   /* likewise; reading */
};

/* An empty row to write to; or to read from. */
void records_write(struct records *records);
void records_read(struct records *records, const void *bytes, size_t length);
void records_finish(struct records *records);

/* Writing: a record with that TAG (not 0) begins; it is whole. Dies when memory is gone. */
void record_begin(struct records *records, uint32_t tag);
void record_end(struct records *records);

/* Reading: the tag of the next record; 0 when there is none, or it is not there whole. */
uint32_t record_next(struct records *records);

/* Reading: whether the record has more fields. */
bool record_has_more(const struct records *records);

/* Writes VALUE and returns it, or returns what was read. */
uint64_t record_number(struct records *records, uint64_t value);

/* A field of any type of integer; one that it cannot hold is broken. */
#define RECORD_NUMBER(records, field)                                                       \
	do {                                                                                \
		uint64_t number_ =                                                          \
			record_number((records), (records)->reads ? 0 : (uint64_t)(field)); \
		if ((records)->reads) {                                                     \
			(field) = (__typeof__(((void)0, (field))))number_;                  \
			(records)->broken |= (uint64_t)(field) != number_;                  \
		}                                                                           \
	} while (0)

/* SIZE bytes; fewer that were written are followed by zeroes, more are broken. */
void record_bytes(struct records *records, void *bytes, size_t size);

/* A text that ends with a NUL, in SIZE bytes. */
void record_text(struct records *records, char *text, size_t size);

/* Bytes of any number: writes SPAN and returns it, or returns what was read, where it lies. */
struct span record_span(struct records *records, struct span span);

#endif
