/* Which Host and Origin are this server's own. */
#include "server/http/site.h"

#include <criterion/criterion.h>

static const struct options none;
static const struct options named = { .public_urls = { "https://tickets.example.org",
						       "http://box.example:8080" },
				      .public_url_count = 2 };

static struct site site_at(const char *address, uint16_t port)
{
	struct site site = { .end.port = port };

	cr_assert(peer_address_read(span_of(address), &site.end.address));
	return site;
}

static bool is_host(struct site site, const struct options *options, const char *host)
{
	return site_is_host(site, options, span_of(host));
}

static bool is_origin(struct site site, const struct options *options, const char *origin)
{
	return site_is_origin(site, options, span_of(origin));
}

Test(site, a_host_is_the_address_and_port_that_the_connection_came_to)
{
	struct site site = site_at("192.0.2.7", 7080);

	cr_expect(is_host(site, &none, "192.0.2.7:7080"));
	cr_expect(is_host(site, &none, "localhost:7080"));
	cr_expect(is_host(site, &none, "LocalHost:7080"));
	cr_expect_not(is_host(site, &none, "192.0.2.7"));
	cr_expect_not(is_host(site, &none, "192.0.2.7:80"));
	cr_expect_not(is_host(site, &none, "192.0.2.8:7080"));
	cr_expect_not(is_host(site, &none, "192.0.2.7:7080x"));
	cr_expect_not(is_host(site, &none, "192.0.2.7:7080:7080"));
	cr_expect_not(is_host(site, &none, "localhost.evil.example:7080"));
	cr_expect_not(is_host(site, &none, "evil.example:7080"));
	cr_expect_not(is_host(site, &none, ""));
	cr_expect_not(is_host(site, &none, ":7080"));
	cr_expect_not(is_host(site, &none, "localhost:"));
}

Test(site, the_port_of_http_may_be_left_out)
{
	cr_expect(is_host(site_at("192.0.2.7", 80), &none, "192.0.2.7"));
	cr_expect(is_host(site_at("192.0.2.7", 80), &none, "192.0.2.7:80"));
	cr_expect(is_host(site_at("::1", 80), &none, "[::1]"));
}

Test(site, an_address_of_ipv6_stands_in_brackets)
{
	struct site site = site_at("2001:db8::7", 7080);

	cr_expect(is_host(site, &none, "[2001:db8::7]:7080"));
	cr_expect(is_host(site, &none, "[2001:DB8:0::7]:7080"));
	cr_expect_not(is_host(site, &none, "[2001:db8::8]:7080"));
	cr_expect_not(is_host(site, &none, "[2001:db8::7:7080"));
	cr_expect_not(is_host(site, &none, "[2001:db8::7]x:7080"));
	cr_expect_not(is_host(site, &none, "2001:db8::7"));
}

Test(site, a_public_url_is_one_of_its_names)
{
	struct site site = site_at("192.0.2.7", 7080);

	cr_expect(is_host(site, &named, "tickets.example.org"));
	cr_expect(is_host(site, &named, "Tickets.Example.ORG"));
	cr_expect(is_host(site, &named, "box.example:8080"));
	cr_expect(is_host(site, &named, "localhost:7080"));
	cr_expect_not(is_host(site, &named, "tickets.example.org:7080"));
	cr_expect_not(is_host(site, &named, "box.example"));
	cr_expect(is_origin(site, &named, "https://tickets.example.org"));
	cr_expect(is_origin(site, &named, "http://box.example:8080"));
	cr_expect_not(is_origin(site, &named, "http://tickets.example.org"));
	cr_expect_not(is_origin(site, &named, "https://box.example:8080"));
}

Test(site, an_origin_is_a_page_of_its_own)
{
	struct site site = site_at("127.0.0.1", 7080);

	cr_expect(is_origin(site, &none, "http://127.0.0.1:7080"));
	cr_expect(is_origin(site, &none, "http://localhost:7080"));
	cr_expect_not(is_origin(site, &none, "https://localhost:7080"));
	cr_expect_not(is_origin(site, &none, "http://localhost"));
	cr_expect_not(is_origin(site, &none, "http://evil.example:7080"));
	cr_expect_not(is_origin(site, &none, "null"));
	cr_expect_not(is_origin(site, &none, ""));
}

Test(site, over_tls_the_port_of_https_may_be_left_out_and_an_origin_is_https)
{
	struct site site = site_at("192.0.2.7", 443);

	site.secure = true;
	cr_expect(is_host(site, &none, "192.0.2.7"));
	cr_expect(is_host(site, &none, "localhost:443"));
	cr_expect_not(is_host(site, &none, "192.0.2.7:80"));
	cr_expect(is_origin(site, &none, "https://192.0.2.7"));
	cr_expect(is_origin(site, &none, "https://localhost:443"));
	cr_expect_not(is_origin(site, &none, "http://192.0.2.7"));
	cr_expect_not(is_origin(site, &none, "http://192.0.2.7:443"));
}

Test(site, over_tls_is_what_came_to_such_a_listener)
{
	cr_expect(site_of(&(struct stream){ .kind = LISTENER_HTTPS }).secure);
	cr_expect_not(site_of(&(struct stream){ .kind = LISTENER_HTTP }).secure);
}
