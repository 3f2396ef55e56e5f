/*
 * resource: the table of what can be asked for: a path, a method, and what carries it out.
 */
#ifndef SERVER_HTTP_RESOURCE_H
#define SERVER_HTTP_RESOURCE_H

#include "server/http/handler.h"

/* A request that changes something must always come from a page of our own, if from any. */
enum resource_site {
	ANY_HOST,  /* it says nothing that is for a visitor alone */
	OWN_HOST,  /* Host must be this server's */
	OWN_ORIGIN /* Origin, too, whatever the method */
};

enum resource_role { FOR_ANYONE, FOR_OPERATORS };

struct resource {
	enum method method; /* METHOD_GET takes METHOD_HEAD, too */
	const char *path;   /* a '*' in it is one name */
	enum resource_role role;
	enum resource_site site;
	unsigned cost; /* of --rate and of a share of the turn, 1: a cheap one */
	resource_handler *run;
};

extern const struct resource resources[];
extern const size_t resource_count;

/* What a request asks for, with its ARGUMENT; NULL when nobody has that path or that method. */
const struct resource *resource_find(const struct request *request, struct span *argument);

/* The methods that PATH takes, as Allow has them, into TEXT; "" when there is no such path. */
#define RESOURCE_METHODS_SIZE 64
void resource_methods(struct span path, char text[RESOURCE_METHODS_SIZE]);

#endif
