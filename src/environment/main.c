/* SPDX-License-Identifier: MIT */
/*
 * sandrun-environment: `sandrun environment VERB ...`. The store of environments, what goes into it and out of it. A program
 * of its own, because libarchive and its libraries would cost every run's start.
 */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment/common.h"

static const struct verb {
	const char *word;
	int (*run)(int argc, char **argv);
	const char *operands, *help;
} verbs[] = {
#define SR_VERB(word, function, operands, help) { #word, function, operands, help },
#include "environment/verbs.def"
};

static int usage(void)
{
	(void)fputs("Usage: sandrun environment VERB ...\n\n", stdout);
	for (size_t i = 0; i < SR_ELEMENTSOF(verbs); i++)
		(void)printf("  %s %s\n      %s\n", verbs[i].word, verbs[i].operands, verbs[i].help);
	(void)fputs("\nsandrun -E NAME ... runs in one. Exit status: 0; 1 where the answer is no (check, digest);\n"
		    "125 where it could not. The manual: man 5 sandrun-environment\n", stdout);
	return verb_flush(0);
}

int main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN); /* a vanished reader is an errno */
	(void)signal(SIGXFSZ, SIG_IGN); /* so is the caller's own limit on the size of files */
	verb_umask = umask(077);        /* the store is nobody else's; what is meant to have other modes gets them */
	if (argc < 2)
		return verb_misused("", NULL, "it needs a verb");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage();
	for (size_t i = 0; i < SR_ELEMENTSOF(verbs); i++) {
		if (strcmp(verbs[i].word, argv[1]) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	return verb_misused(SHOWN(argv[1]), NULL, "no such verb");
}
