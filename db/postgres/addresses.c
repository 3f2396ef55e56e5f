#include "db/postgres/addresses.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define WORD_SIZE 256 /* of one host or port */

/* The list so far. */
struct finding {
	struct addresses *addresses;
	unsigned count;
	bool full;
};

static bool append(char *list, const char *word, bool first)
{
	size_t used = strlen(list);
	int length = snprintf(list + used, ADDRESSES_SIZE - used, "%s%s", first ? "" : ",", word);
	return used + (size_t)length < ADDRESSES_SIZE;
}

static void add(struct finding *finding, const char *host, const char *address, const char *port)
{
	struct addresses *addresses = finding->addresses;
	bool first = finding->count++ == 0;
	bool fits = append(addresses->hosts, host, first) &&
		    append(addresses->numeric, address, first) &&
		    append(addresses->ports, port, first);
	finding->full |= !fits;
}

/* One whose name nobody knows now is left out. */
static void look_up(struct finding *finding, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char address[NI_MAXHOST];
	if (getaddrinfo(host, NULL, &hints, &found) != 0) {
		return;
	}
	for (const struct addrinfo *one = found; one; one = one->ai_next) {
		if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST) == 0) {
			add(finding, host, address, port);
		}
	}
	freeaddrinfo(found);
}

/* Takes the first word off a list; the last one stays what it is when it is asked for again. */
static void take_word(const char **list, bool keep_last, char word[WORD_SIZE])
{
	size_t length = strcspn(*list, ",");
	bool last = (*list)[length] == '\0';
	snprintf(word, WORD_SIZE, "%.*s", (int)length, *list);
	if (!last) {
		*list += length + 1;
	} else if (!keep_last) {
		*list += length;
	}
}

void addresses_find(struct addresses *addresses, const char *hosts, const char *ports)
{
	struct finding finding = { .addresses = addresses };
	char host[WORD_SIZE];
	char port[WORD_SIZE];
	memset(addresses, 0, sizeof(*addresses));
	while (*hosts != '\0') {
		take_word(&hosts, false, host);
		take_word(&ports, true, port);
		if (*host == '/') {
			add(&finding, host, "", port);
		} else {
			look_up(&finding, host, port);
		}
	}
	if (finding.full) {
		memset(addresses, 0, sizeof(*addresses));
	}
}
