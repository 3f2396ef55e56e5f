#include "client/options/number.h"

#include "shared/base/usage.h"
#include "shared/text/words.h"

int64_t option_number(const char *option, const char *text, int64_t least, int64_t most)
{
	int64_t number;

	if (!words_number(span_of(text), least, most, &number)) {
		usage_error("--%s=%s: must be a number from %lld to %lld", option, text,
			    (long long)least, (long long)most);
	}
	return number;
}
