/* Where a database is, for who may not ask a name server. */
#include "db/postgres/addresses.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(addresses);

static void expect(const char *hosts, const char *ports, const char *all, const char *numeric,
		   const char *all_ports)
{
	struct addresses addresses;
	addresses_find(&addresses, hosts, ports);
	cr_expect_str_eq(addresses.hosts, all);
	cr_expect_str_eq(addresses.numeric, numeric);
	cr_expect_str_eq(addresses.ports, all_ports);
}

Test(addresses, of_several_hosts_each_has_its_port)
{
	expect("127.0.0.1", "5432", "127.0.0.1", "127.0.0.1", "5432");
	expect("127.0.0.1,::1", "5432,5433", "127.0.0.1,::1", "127.0.0.1,::1", "5432,5433");
	expect("127.0.0.1,127.0.0.2", "5432", "127.0.0.1,127.0.0.2", "127.0.0.1,127.0.0.2",
	       "5432,5432");
}

Test(addresses, sockets_have_none)
{
	expect("/run/postgresql,127.0.0.1", "5432", "/run/postgresql,127.0.0.1", ",127.0.0.1",
	       "5432,5432");
}

Test(addresses, one_that_nobody_knows_is_left_out)
{
	expect("no such host,127.0.0.1", "1,2", "127.0.0.1", "127.0.0.1", "2");
	expect("no such host", "1", "", "", "");
}

Test(addresses, of_more_than_there_is_room_for_there_are_none)
{
	char hosts[2 * ADDRESSES_SIZE] = "127.0.0.1";
	while (strlen(hosts) + sizeof(",127.0.0.1") < sizeof(hosts)) {
		strcat(hosts, ",127.0.0.1");
	}
	expect(hosts, "5432", "", "", "");
}
