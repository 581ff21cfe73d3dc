/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <errno.h>

#include "cli/args.h"
#include "cli/subcommand.h"

#define COLUMN 29

static const char usage[] =
	"Usage: sandrun [OPTION...] SCRIPT [ARG...]\n"
	"       sandrun [OPTION...] --lang LANG [ARG...]   program on stdin\n"
	"       sandrun [OPTION...] --lang LANG -c CODE [ARG...]\n"
	"       sandrun [OPTION...] -C DIR SCRIPT [ARG...]     project folder\n"
	"       sandrun [OPTION...] -- COMMAND [ARG...]\n"
	"Runs code that nobody has to trust: without root, without network, away from\n"
	"your files. When it ends, everything it touched is gone.\n";

static const char closing[] =
	"\n"
	"Times take ms, s, m, h; sizes K, M, G; both take 'unlimited'.\n"
	"Exit status: the program's own; 128+N killed by signal N; 124 time limit;\n"
	"125 sandrun itself could not; 126 not executable; 127 not found.\n"
	"\n"
	"  sandrun script.py 1000\n"
	"  echo 'print(6 * 7)' | sandrun --lang python\n"
	"  sandrun -i data.csv -o 'out/*.png' -O results plot.py\n"
	"  sandrun -m 1G -t 30s -- sort -n < numbers\n"
	"\n"
	"The manual: man sandrun\n";

static void print_option(FILE *to, const struct args_option *o)
{
	char left[96];
	int n;

	n = snprintf(left, sizeof(left), "  %c%c%s%s%s%s%s", o->short_name ? '-' : ' ', o->short_name ? o->short_name : ' ',
		     o->short_name && o->name ? ", " : "  ", o->name ? "--" : "", o->name ? o->name : "", o->arg ? " " : "",
		     o->arg ? o->arg : "");
	if (!o->name) /* "-c CODE": no gap where the long name would be */
		n = snprintf(left, sizeof(left), "  -%c %s", o->short_name, o->arg ? o->arg : "");
	if (n < COLUMN - 1)
		fprintf(to, "%-*s%s\n", COLUMN, left, o->help);
	else
		fprintf(to, "%s\n%*s%s\n", left, COLUMN, "", o->help);
}

static void print_subcommands(FILE *to)
{
	fprintf(to, "\nSubcommands\n  %-*s%s\n", COLUMN - 2, "explain ...", "print the plan and run nothing");
	for (const struct subcommand *s = subcommands; s->word; s++) {
		if (s->run)
			fprintf(to, "  %-*s%s\n", COLUMN - 2, s->word, s->help);
	}
}

static int finish(FILE *to)
{
	if (fflush(to) == 0 && !ferror(to))
		return 0;
	return errno ? -errno : -EIO;
}

int help_print(FILE *to)
{
	errno = 0; /* what a write in the middle of it met is still there at its end */
	fputs(usage, to);
	for (size_t g = 0; g < ARGS_GROUP_MAX; g++) {
		fprintf(to, "\n%s\n", args_group_titles[g]);
		for (size_t i = 0; i < args_option_count; i++) {
			if (args_options[i].group == g)
				print_option(to, &args_options[i]);
		}
	}
	print_subcommands(to);
	fputs(closing, to);
	return finish(to);
}

int version_print(FILE *to)
{
	errno = 0;
	fputs("sandrun " SR_VERSION "\n", to);
	return finish(to);
}
