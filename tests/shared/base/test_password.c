#include "shared/base/password.h"

#include <criterion/criterion.h>
#include <string.h>

#ifdef TURNSTILE_WITH_SODIUM

Test(password, that_was_hashed_is_known_again_and_another_is_not)
{
	char hash[PASSWORD_HASH_SIZE];
	char other[PASSWORD_HASH_SIZE];

	cr_assert_null(password_make(span_of("open sesame"), hash));
	cr_assert_null(password_make(span_of("open sesame"), other));
	cr_expect(password_is_hash(span_of(hash)));
	cr_expect_null(password_hash_fault(hash));
	cr_expect_null(strstr(hash, "sesame"));
	cr_expect_str_neq(hash, other, "each has a salt of its own");
	cr_expect_eq(password_verify(hash, span_of("open sesame")), PASSWORD_IS_RIGHT);
	cr_expect_eq(password_verify(other, span_of("open sesame")), PASSWORD_IS_RIGHT);
	cr_expect_eq(password_verify(hash, span_of("open sesam")), PASSWORD_IS_WRONG);
	cr_expect_eq(password_verify(hash, span_of("")), PASSWORD_IS_WRONG);
	cr_expect_eq(password_verify(hash, span_of(hash)), PASSWORD_IS_WRONG);
}

#endif

Test(password, that_nobody_could_type_is_told_from_a_good_one)
{
	char most[PASSWORD_SIZE + 1];

	memset(most, 'x', sizeof(most));
	cr_expect_null(password_fault((struct span){ most, PASSWORD_SIZE - 1 }));
	cr_expect_not_null(password_fault((struct span){ most, PASSWORD_SIZE }));
	cr_expect_null(password_fault(span_of("open s\xC3\xA9same")));
	cr_expect_not_null(password_fault(span_of("")));
	cr_expect_not_null(password_fault(span_of(" open")));
	cr_expect_not_null(password_fault(span_of("open ")));
	cr_expect_not_null(password_fault(span_of("open\tsesame")));
	cr_expect_not_null(password_fault(span_of("s\xE9same")));
	cr_expect_not_null(password_fault(span_of("$argon2id$v=19$")));
}
