#include "server/config/options_read.h"
#include "server/process/master.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/inherited.h"

int main(int argc, char **argv)
{
	static struct options options;

	inherited_set_right();
	clock_start_deadlines();
	options_read(&options, argc, argv);
	log_start("turnstile", options.log_level, options.log_format);
	log_never_block();
	return master_run(&options, argc, argv, takeover_begin(&options));
}
