/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment list
 */
#include <dirent.h>
#include <string.h>

#include "base/xdg.h"
#include "environment/common.h"

int environment_list(int argc, char **argv)
{
	SR_AUTOFREE char *path = NULL;
	struct dirent *d;
	DIR *dir;
	int r = verb_options(&argc, argv, NULL, 0, 0, 0);

	if (r >= 0)
		return r;
	if (xdg_path(SR_XDG_DATA, "images/names", &path) < 0)
		return verb_misused(argv[0], NULL, "neither XDG_DATA_HOME nor HOME is set");
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (str_has_suffix(d->d_name, ".ini"))
			(void)printf("%.*s\n", (int)strlen(d->d_name) - 4, d->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return verb_flush(0);
}
