/* SPDX-License-Identifier: MIT */
#include "base/xdg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const struct {
	const char *variable, *below_home;
} folders[] = {
	[SR_XDG_CONFIG] = { "XDG_CONFIG_HOME", ".config" },
	[SR_XDG_DATA] = { "XDG_DATA_HOME", ".local/share" },
	[SR_XDG_STATE] = { "XDG_STATE_HOME", ".local/state" },
	[SR_XDG_CACHE] = { "XDG_CACHE_HOME", ".cache" },
};

int xdg_path(enum sr_xdg which, const char *name, char **ret)
{
	const char *own = getenv(folders[which].variable), *home = getenv("HOME");
	const char *slash = name ? "/" : "";
	char *path;

	name = name ? name : "";
	if (own && *own == '/')
		path = str_format("%s/sandrun%s%s", own, slash, name);
	else if (home && *home == '/')
		path = str_format("%s/%s/sandrun%s%s", home, folders[which].below_home, slash, name);
	else
		return -ENOENT;
	if (!path)
		return -ENOMEM;
	*ret = path;
	return 0;
}

/* mkdir -p, 0700. */
static int make_all(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int r;

		*p = '\0';
		r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (r < 0 && r != -EACCES && r != -EROFS) /* what stands above may be closed to us: the last one decides */
			return r;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int xdg_open(enum sr_xdg which, const char *name, int *ret_fd, char **ret_path)
{
	SR_AUTOFREE char *path = NULL;
	SR_AUTOCLOSE int fd = -1;
	struct stat st;
	int r = xdg_path(which, name, &path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		r = make_all(path);
		fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022)))
		r = -EPERM;
	if (r == 0)
		*ret_fd = SR_TAKE_FD(fd);
	if (ret_path)
		*ret_path = SR_TAKE_PTR(path);
	return r;
}
