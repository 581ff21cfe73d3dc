/* SPDX-License-Identifier: MIT */
#include "evidence/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "base/xdg.h"
#include "evidence/identity.h"
#include "policy/owner.h"

#define STAGE "verify"
#define KEY_FILE_MAX 4096
#define SHOWN(s) str_escape((s), (char[512]){ 0 }, 512)

static int cannot(struct sr_error *err, const char *path, int errnum, const char *why)
{
	return sr_error_set(err, SR_E_KEY, errnum, STAGE, "cannot use the key %s: %s", SHOWN(path), why ? why : strerror(errnum));
}

static int add(struct sr_trust *t, const struct sr_public_key *key, const char *path, bool own)
{
	struct sr_trusted *bigger, one = { .key = *key, .own = own };

	public_key_id(key, one.id);
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->items[i].id, one.id) == 0)
			return 0; /* what was named first stays: trusted comes before own */
	}
	if (t->count >= SR_TRUST_MAX)
		return -E2BIG;
	one.name = strdup(path);
	bigger = one.name ? realloc(t->items, (t->count + 1) * sizeof(*bigger)) : NULL;
	if (!bigger) {
		free(one.name);
		return -ENOMEM;
	}
	t->items = bigger;
	t->items[t->count++] = one;
	return 0;
}

static int add_open(struct sr_trust *t, int fd, const char *path, bool own, struct sr_error *err)
{
	SR_AUTOFREE char *text = NULL;
	struct sr_public_key key;
	size_t len = 0;
	int r = io_read_all(fd, KEY_FILE_MAX, &text, &len);

	if (r < 0 && r != -EFBIG)
		return cannot(err, path, -r, NULL);
	if (r == 0)
		r = public_key_from_text(text, len, &key);
	if (r == -EKEYREJECTED)
		return cannot(err, path, EKEYREJECTED, "with a key of small order or in a form that is not canonical, anybody can sign");
	if (r < 0) {
		(void)cannot(err, path, EBADMSG, "it is no Ed25519 public key, as PEM or as a line of OpenSSH's form");
		sr_error_hint(err, "openssl pkey -pubin -in KEY prints a PEM public key; an identity is exported by: sandrun key export");
		return -EBADMSG;
	}
	r = add(t, &key, path, own);
	if (r == -E2BIG)
		return cannot(err, path, E2BIG, "more than 256 keys are too many");
	return r < 0 ? sr_error_oom(err, STAGE) : 0;
}

int trust_add_file(struct sr_trust *t, const char *path, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? cannot(err, path, errno, NULL) : add_open(t, fd, path, false, err);
}

/* A file of a folder that decides on trust: who could write it could trust themselves. */
static int add_guarded(struct sr_trust *t, int dir_fd, const char *name, const char *path, bool own, struct sr_error *err)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */
	const char *mend, *refusal;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot(err, path, errno, NULL);
	refusal = owner_refusal(fd, &st, &mend);
	if (refusal) {
		(void)cannot(err, path, EPERM, refusal);
		if (mend)
			sr_error_hint(err, "%s %s", mend, str_plain_or(path, "FILE"));
		return -EPERM;
	}
	return add_open(t, fd, path, own, err);
}

/* *ret_found counts the keys. -ENOENT where there is no folder, without an error. */
static int add_folder(struct sr_trust *t, const char *path, bool own, unsigned *ret_found, struct sr_error *err)
{
	DIR *dir = opendir(path);
	const char *mend = NULL, *refusal;
	struct dirent *d;
	struct stat st;
	int r = 0;

	*ret_found = 0;
	if (!dir)
		return errno == ENOENT ? -ENOENT : cannot(err, path, errno, NULL);
	refusal = fstat(dirfd(dir), &st) < 0 ? strerror(errno) : owner_folder_refusal(dirfd(dir), &st, &mend);
	if (refusal) {
		(void)closedir(dir);
		(void)cannot(err, path, EPERM, refusal);
		if (mend)
			sr_error_hint(err, "%s %s", mend, str_plain_or(path, "FOLDER"));
		return -EPERM;
	}
	while (r == 0 && (d = readdir(dir))) {
		SR_AUTOFREE char *full = NULL;

		if (!str_has_suffix(d->d_name, ".pem") || d->d_name[0] == '.')
			continue;
		full = str_format("%s/%s", path, d->d_name);
		r = full ? add_guarded(t, dirfd(dir), d->d_name, full, own, err) : sr_error_oom(err, STAGE);
		r = r == -ENOENT ? -EBADMSG : r; /* a link that leads nowhere: said, not taken for a missing folder */
		++*ret_found;
	}
	(void)closedir(dir);
	return r;
}

int trust_add_folder(struct sr_trust *t, const char *path, struct sr_error *err)
{
	unsigned found;
	int r = add_folder(t, path, false, &found, err);

	if (r == -ENOENT)
		return cannot(err, path, ENOENT, NULL);
	return r == 0 && found == 0 ? cannot(err, path, ENOENT, "the folder has no *.pem in it") : r;
}

/* A folder of the data folder, which need not be there. */
static int add_data_folder(struct sr_trust *t, const char *name, bool own, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	unsigned found;
	int r = xdg_path(SR_XDG_DATA, name, &path);

	if (r == 0)
		r = add_folder(t, path, own, &found, err);
	if (r == -ENOMEM)
		return sr_error_oom(err, STAGE);
	return r == -ENOENT ? 0 : r;
}

static int add_own(struct sr_trust *t, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r = xdg_path(SR_XDG_DATA, SR_IDENTITY_PUBLIC, &path);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return sr_error_oom(err, STAGE);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return add_guarded(t, AT_FDCWD, path, path, true, err);
}

int trust_add_default(struct sr_trust *t, struct sr_error *err)
{
	int r = add_data_folder(t, "trusted", false, err);

	if (r == 0)
		r = add_own(t, err);
	if (r == 0)
		r = add_data_folder(t, SR_IDENTITY_RETIRED, true, err);
	return r;
}

void trust_done(struct sr_trust *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].name);
	free(t->items);
	*t = (struct sr_trust){ 0 };
}
