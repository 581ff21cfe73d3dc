/* SPDX-License-Identifier: MIT */
/*
 * The run's salt: made when the sandbox's first process is cloned, so that neither it nor the program ever had it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "run/filecopy.h"
#include "run/run.h"

#define STAGE "salt"
#define NEEDED_BYTES ((size_t)1 << 20) /* of locked memory: two streams' buffers, one for files, their guards, the salt */

static int refuse(const char *path, int errnum, const char *why, const char *mend, struct sr_error *err)
{
	char shown[256];

	(void)sr_error_set(err, SR_E_SALT, errnum, STAGE, "cannot use the salt of %s: %s", str_escape(path, shown, sizeof(shown)), why);
	sr_error_hint(err, "%s", mend);
	return -errnum;
}

/* Looked at before it is opened: opening can wait, or act. */
static int open_file(const char *path, int *ret_fd, struct sr_error *err)
{
	static const char form[] = "make one: (umask 077; openssl rand -hex 32 >FILE)";
	SR_AUTOCLOSE int fd = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return refuse(path, errno, strerror(errno), form, err);
	if (!S_ISREG(st.st_mode))
		return refuse(path, EINVAL, "it is no file", form, err);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(path, errno, strerror(errno), form, err);
	if (!S_ISREG(st.st_mode) || (st.st_size != SR_SALT_BYTES && st.st_size != SR_SALT_HEX - 1 && st.st_size != SR_SALT_HEX))
		return refuse(path, EINVAL, "it is neither 32 bytes nor 64 hex digits", form, err);
	if (st.st_mode & 077)
		return refuse(path, EPERM, "others can read it, and with it they can try what your data may be", "chmod 600 FILE", err);
	*ret_fd = SR_TAKE_FD(fd);
	return 0;
}

int run_salt_check(const struct sr_policy *p, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;

	return p->salt_file ? open_file(p->salt_file, &fd, err) : 0;
}

static int read_owners(const char *path, struct sr_salt *ret, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = -1;
	int r = open_file(path, &fd, err);

	if (r < 0)
		return r;
	r = salt_read(fd, ret);
	if (r == -EBADMSG)
		return refuse(path, EINVAL, "it is neither 32 bytes nor 64 hex digits", "make one: openssl rand -hex 32", err);
	if (r == -EDOM)
		return refuse(path, EINVAL, "all its bytes are the same: anybody can guess it", "make one: openssl rand -hex 32", err);
	return r < 0 ? refuse(path, -r, strerror(-r), "try again; or leave --salt-file out", err) : 0;
}

/* Is there room in RLIMIT_MEMLOCK for all that will hold private bytes? Asked by trying, before any of it is read. */
static bool can_lock(const struct sr_salt *salt)
{
	bool is_locked = false;
	void *room = secret_alloc(NEEDED_BYTES, &is_locked);

	secret_free(room);
	return room && is_locked && salt->is_locked;
}

static int note_lock(const struct sr_policy *p, struct sr_plan_box *box, const struct sr_salt *salt, struct sr_error *err)
{
	struct rlimit limit = { .rlim_cur = 0 };

	if (!policy_is_private(p) || can_lock(salt))
		return 0;
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	plan_note(box, true, "private", "private data may go to swap: only %" PRIu64 " kB of memory can be locked here (ulimit -l)",
		  (uint64_t)limit.rlim_cur >> 10);
	return run_refuse_degraded(p, box, err);
}

int run_make_salt(const struct sr_policy *p, struct sr_plan_box *box, struct sr_salt *ret, struct sr_error *err)
{
	int r;

	r = p->salt_file ? read_owners(p->salt_file, ret, err) : salt_new(ret);
	if (!p->salt_file && r < 0)
		return sr_error_set(err, SR_E_INTERNAL, -r, STAGE, "cannot make a salt: %s", strerror(-r));
	return r < 0 ? r : note_lock(p, box, ret, err);
}
