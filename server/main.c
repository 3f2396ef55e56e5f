#include "server/config/options_read.h"
#include "server/process/master.h"
#include "shared/base/log.h"

int main(int argc, char **argv)
{
	static struct options options;

	options_read(&options, argc, argv);
	log_start("turnstile", options.log_level, options.log_format);
	return master_run(&options);
}
