/* SPDX-License-Identifier: MIT */
#include "plan/script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "sys/openat2.h"

#define STAGE "script"
#define SHOWN(s) str_escape((s), (char[256]){ 0 }, 256)

void script_done(struct sr_script *s)
{
	free(s->data);
	free(s->shown);
	*s = (struct sr_script){ .data = NULL };
}

static int cannot_read(const char *path, int errnum, struct sr_error *err)
{
	bool missing = errnum == ENOENT || errnum == ENOTDIR;
	int r = sr_error_set_status(err, missing ? 127 : 126, SR_E_SCRIPT, errnum, STAGE, "cannot read '%s': %s",
				    SHOWN(path),
				    missing	     ? "no such file" :
				    errnum == ELOOP ? "its links lead in a circle" :
						      strerror(errnum));

	if (str_has_prefix(path, "/dev/fd/") || str_has_prefix(path, "/proc/self/fd/")) /* <(...); inherited ones are closed */
		sr_error_hint(err, "a program from a pipe comes on standard input: COMMAND | sandrun --lang LANG");
	else if (missing)
		sr_error_hint(err, "check the name; a script is a file of this machine");
	else if (errnum == EACCES)
		sr_error_hint(err, "you need read permission for it: chmod u+r %s", SHOWN(path));
	else
		sr_error_hint(err, "see what it is: ls -l %s", SHOWN(path));
	return r;
}

static int refuse_kind(const char *path, mode_t mode, struct sr_error *err)
{
	const char *kind = S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
	int r = sr_error_set_status(err, 126, SR_E_SCRIPT, S_ISDIR(mode) ? EISDIR : EINVAL, STAGE,
				    "cannot run '%s': it is %s", SHOWN(path), kind);

	if (S_ISDIR(mode))
		sr_error_hint(err, "for a project folder name the script in it too: sandrun -C %s SCRIPT", SHOWN(path));
	else
		sr_error_hint(err, "a program from a pipe comes on standard input: sandrun --lang LANG < %s", SHOWN(path));
	return r;
}

static int too_large(const char *shown, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_SCRIPT_TOO_LARGE, EFBIG, STAGE, "cannot run %s: it is larger than 64M", shown);

	sr_error_hint(err, "take it in as a file: sandrun -i FILE -- COMMAND /work/FILE");
	return r;
}

static int empty(const char *shown, bool file, struct sr_error *err)
{
	int r = sr_error_set(err, SR_E_SCRIPT, EINVAL, STAGE, "cannot run %s: the program is empty", shown);

	sr_error_hint(err, file ? "was it saved?" : "pipe the program in: sandrun --lang LANG < FILE; or give it with -c");
	return r;
}

/* The whole of fd as a script; `shown` is what messages call it. */
static int read_all(int fd, const char *shown, mode_t mode, struct sr_script *ret, struct sr_error *err)
{
	SR_AUTOFREE char *data = NULL;
	SR_AUTOFREE char *name = strdup(shown);
	size_t len;
	int r;

	if (!name)
		return sr_error_oom(err, STAGE);
	r = io_read_all(fd, SR_SCRIPT_MAX_BYTES, &data, &len);
	if (r == -EFBIG)
		return too_large(shown, err);
	if (r < 0)
		return sr_error_set(err, SR_E_SCRIPT, -r, STAGE, "cannot read %s: %s", shown, strerror(-r));
	if (len == 0)
		return empty(shown, mode != 0, err);
	*ret = (struct sr_script){ .data = SR_TAKE_PTR(data), .len = len, .mode = mode, .shown = SR_TAKE_PTR(name) };
	return 0;
}

/* Opening a device can have effects and opening a FIFO can wait: what it is, is asked before and after. */
static int open_file(int project_fd, const char *path, int flags)
{
	int fd;

	if (project_fd >= 0)
		return sys_open_in_root(project_fd, path, flags);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_regular(int project_fd, const char *path, struct stat *st, struct sr_error *err)
{
	SR_AUTOCLOSE int probe = open_file(project_fd, path, O_PATH);
	SR_AUTOCLOSE int fd = -1;

	if (probe < 0)
		return cannot_read(path, -probe, err);
	if (fstat(probe, st) < 0)
		return cannot_read(path, errno, err);
	if (!S_ISREG(st->st_mode))
		return refuse_kind(path, st->st_mode, err);
	fd = open_file(project_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cannot_read(path, -fd, err);
	if (fstat(fd, st) < 0)
		return cannot_read(path, errno, err);
	if (!S_ISREG(st->st_mode))
		return refuse_kind(path, st->st_mode, err);
	return SR_TAKE_FD(fd);
}

int script_read(int project_fd, const char *path, struct sr_script *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	char shown[260];
	struct stat st;

	fd = open_regular(project_fd, path, &st, err);
	if (fd < 0)
		return fd;
	(void)snprintf(shown, sizeof(shown), "'%s'", SHOWN(path));
	if (st.st_size > (off_t)SR_SCRIPT_MAX_BYTES)
		return too_large(shown, err);
	return read_all(fd, shown, st.st_mode, ret, err);
}

int script_read_fd(int fd, struct sr_script *ret, struct sr_error *err)
{
	return read_all(fd, "standard input", 0, ret, err);
}

bool script_is_elf(const struct sr_script *s)
{
	return s->len >= 4 && memcmp(s->data, "\177ELF", 4) == 0;
}

bool script_has_bom_shebang(const struct sr_script *s)
{
	return s->len >= 5 && memcmp(s->data, "\xef\xbb\xbf#!", 5) == 0;
}

/* A zip archive from the start, or behind a shebang line (zipapp). */
static bool is_zip(const struct sr_script *s)
{
	const char *at = s->data;

	if (s->len >= 2 && memcmp(at, "#!", 2) == 0) {
		at = memchr(at, '\n', s->len);
		at = at ? at + 1 : s->data;
	}
	return (size_t)(s->data + s->len - at) >= 4 && memcmp(at, "PK\3\4", 4) == 0;
}

int script_check_text(const struct sr_script *s, bool zip, struct sr_error *err)
{
	const char *nul = memchr(s->data, '\0', s->len);
	int r;

	if (!nul || (zip && is_zip(s)))
		return 0;
	r = sr_error_set(err, SR_E_SCRIPT, EINVAL, STAGE, "cannot run %s: it is no text, byte %zu is NUL", s->shown,
			 (size_t)(nul - s->data) + 1);
	sr_error_hint(err, "take it in as a file: sandrun -i FILE -- COMMAND /work/FILE");
	return r;
}

/* Appends the components of path to out, without "." and empty ones. -EXDEV for "..", -ENAMETOOLONG. */
static int normalize(const char *path, char out[static PATH_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (;;) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return 0;
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return -EXDEV;
		if (len != 1 || *path != '.') {
			if (n + len + 2 > PATH_MAX)
				return -ENAMETOOLONG;
			if (n)
				out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
			out[n] = '\0';
		}
		path += len;
	}
}

/* The part of an absolute path behind the project folder, or NULL. */
static const char *behind(const char *path, const char *folder)
{
	size_t n = folder ? strlen(folder) : 0;

	while (n > 1 && folder[n - 1] == '/')
		n--;
	if (n == 0 || strncmp(path, folder, n) != 0 || path[n] != '/')
		return NULL;
	return path + n;
}

int script_entry(const char *project_dir, const char *operand, char **ret_entry, struct sr_error *err)
{
	SR_AUTOFREE char *absolute = NULL;
	const char *path = operand;
	char out[PATH_MAX];
	int r = -EXDEV;

	if (*operand == '/') {
		path = behind(operand, project_dir);
		if (!path) {
			absolute = realpath(project_dir, NULL);
			path = behind(operand, absolute);
		}
	}
	if (path)
		r = normalize(path, out);
	if (r == -EXDEV) {
		sr_error_set(err, SR_E_SCRIPT, EXDEV, STAGE, "cannot run '%s': it is not beneath the project folder '%s'",
			     SHOWN(operand), SHOWN(project_dir));
		sr_error_hint(err, "name the script as seen from that folder, e.g. sandrun -C %s main.py", SHOWN(project_dir));
		return r;
	}
	if (r < 0)
		return cannot_read(operand, -r, err);
	if (!*out)
		return refuse_kind(operand, S_IFDIR, err);
	*ret_entry = strdup(out);
	return *ret_entry ? 0 : sr_error_oom(err, STAGE);
}
