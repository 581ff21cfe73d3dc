/* SPDX-License-Identifier: MIT */
#include "evidence/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "base/xdg.h"
#include "evidence/commitment.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

#define STAGE "key"
#define SEED_BYTES 32
#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define PEM_END "-----END PRIVATE KEY-----\n"
#define PEM_TEXT (sizeof(PEM_BEGIN) - 1 + 64 + 1 + sizeof(PEM_END) - 1)

/* RFC 8410: SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes } } */
static const uint8_t pkcs8_prefix[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };

#define PKCS8_BYTES (sizeof(pkcs8_prefix) + SEED_BYTES)

/* seed: 32 bytes, or NULL for a new key. */
static int from_seed(const uint8_t *seed, struct sr_identity *ret)
{
	struct sr_identity id = { .secret = NULL };
	bool locked;

	id.secret = secret_alloc(crypto_sign_SECRETKEYBYTES, &locked);
	if (!id.secret)
		return -ENOMEM;
	if (seed)
		(void)crypto_sign_seed_keypair(id.public_key.bytes, id.secret, seed); /* the public half is computed, never read */
	else
		(void)crypto_sign_keypair(id.public_key.bytes, id.secret);
	public_key_id(&id.public_key, id.id);
	*ret = id;
	return 0;
}

int ephemeral_make(struct sr_identity *ret)
{
	return from_seed(NULL, ret);
}

bool ephemeral_destroy(struct sr_identity *id)
{
	bool zero;

	if (!id->secret)
		return false;
	sodium_memzero(id->secret, crypto_sign_SECRETKEYBYTES);
	zero = sodium_is_zero(id->secret, crypto_sign_SECRETKEYBYTES) == 1;
	secret_free(id->secret);
	id->secret = NULL;
	return zero;
}

void identity_done(struct sr_identity *id)
{
	(void)ephemeral_destroy(id);
}

static int cannot(struct sr_error *err, const char *verb, const char *path, int errnum, const char *mend)
{
	char shown[512];

	(void)sr_error_set(err, SR_E_KEY, errnum, STAGE, "cannot %s %s: %s", verb, str_escape(path, shown, sizeof(shown)),
			   errnum == EPERM ? "other users may write there, or it is not yours" : strerror(errnum));
	if (mend)
		sr_error_hint(err, "%s", mend);
	return -errnum;
}

static int open_folder(int *ret_fd, char **ret_path, struct sr_error *err)
{
	int r = xdg_open(SR_XDG_DATA, NULL, ret_fd, ret_path);

	if (r == -ENOENT && !*ret_path) {
		(void)sr_error_set(err, SR_E_KEY, ENOENT, STAGE, "cannot find the folder of the identity key: neither HOME nor XDG_DATA_HOME is set");
		sr_error_hint(err, "set HOME, or give --no-certificate");
		return r;
	}
	return r < 0 ? cannot(err, "use the folder", *ret_path, -r, "it must be yours and writable by nobody else: chmod 700 on it, or set XDG_DATA_HOME") : 0;
}

static int parse(const char *text, size_t len, struct sr_identity *ret)
{
	const size_t begin = sizeof(PEM_BEGIN) - 1;
	uint8_t der[PKCS8_BYTES];
	size_t got;
	int r = -EBADMSG;

	if (len == PEM_TEXT && memcmp(text, PEM_BEGIN, begin) == 0 && memcmp(text + begin + 64, "\n" PEM_END, sizeof(PEM_END)) == 0 &&
	    sodium_base642bin(der, PKCS8_BYTES, text + begin, 64, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    got == PKCS8_BYTES && memcmp(der, pkcs8_prefix, sizeof(pkcs8_prefix)) == 0)
		r = from_seed(der + sizeof(pkcs8_prefix), ret);
	secret_wipe(der, sizeof(der));
	return r;
}

static int read_key(int dir_fd, const char *folder, struct sr_identity *ret, struct sr_error *err)
{
	SR_AUTOFREE char *path = str_format("%s/%s", folder, SR_IDENTITY_KEY);
	SR_AUTOCLOSE int fd = openat(dir_fd, SR_IDENTITY_KEY, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[PEM_TEXT + 1];
	struct stat st;
	ssize_t n;
	int r;

	if (!path)
		return sr_error_oom(err, STAGE);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot(err, "read the identity key", path, errno, NULL);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		(void)sr_error_set(err, SR_E_KEY, EPERM, STAGE, "cannot use the identity key %s: it must be a file of yours that nobody else may read", path);
		sr_error_hint(err, "chmod 600 on it if nobody else has read it, else sandrun key rotate");
		return -EKEYREJECTED;
	}
	n = io_read_full(fd, text, sizeof(text));
	r = n < 0 ? (int)n : parse(text, (size_t)n, ret);
	sodium_memzero(text, sizeof(text));
	if (r == -EBADMSG) {
		(void)sr_error_set(err, SR_E_KEY, EBADMSG, STAGE, "cannot use the identity key %s: it is no Ed25519 key in PKCS#8 PEM", path);
		sr_error_hint(err, "put the right file back, or sandrun key rotate");
		return r;
	}
	return r < 0 ? cannot(err, "read the identity key", path, -r, NULL) : 0;
}

/* A file under a temporary name, whole and on the disk, then under its own: by link(2), which never replaces, or by rename(2). */
static int put_file(int dir_fd, const char *name, mode_t mode, const char *text, size_t len, bool replace)
{
	SR_AUTOCLOSE int fd = -1;
	char temp[48];
	int r;

	(void)snprintf(temp, sizeof(temp), ".new-%08x%08x", randombytes_random(), randombytes_random());
	fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = io_write_full(fd, text, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && (replace ? renameat(dir_fd, temp, dir_fd, name) : linkat(dir_fd, temp, dir_fd, name, 0)) < 0)
		r = -errno;
	if ((r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS) && !replace) /* a file system without links: vfat, some FUSE */
		r = syscall(SYS_renameat2, dir_fd, temp, dir_fd, name, RENAME_NOREPLACE) < 0 ? -errno : 0;
	if (r < 0 || !replace)
		(void)unlinkat(dir_fd, temp, 0);
	if (r == 0)
		(void)fsync(dir_fd); /* a file system that cannot is no reason to lose the key */
	return r;
}

static int put_public(int dir_fd, const struct sr_identity *id)
{
	char pem[SR_PEM_BYTES];

	public_key_pem(&id->public_key, pem);
	return put_file(dir_fd, SR_IDENTITY_PUBLIC, 0644, pem, strlen(pem), true);
}

static int put_key(int dir_fd, const struct sr_identity *id, bool replace)
{
	uint8_t der[PKCS8_BYTES];
	char text[PEM_TEXT + 1];
	const size_t begin = sizeof(PEM_BEGIN) - 1;
	int r;

	memcpy(der, pkcs8_prefix, sizeof(pkcs8_prefix));
	(void)crypto_sign_ed25519_sk_to_seed(der + sizeof(pkcs8_prefix), id->secret);
	memcpy(text, PEM_BEGIN, begin);
	(void)sodium_bin2base64(text + begin, 65, der, PKCS8_BYTES, sodium_base64_VARIANT_ORIGINAL);
	secret_wipe(der, sizeof(der));
	memcpy(text + begin + 64, "\n" PEM_END, sizeof(PEM_END) + 1);
	r = put_file(dir_fd, SR_IDENTITY_KEY, 0600, text, PEM_TEXT, replace);
	secret_wipe(text, sizeof(text));
	if (r == 0)
		(void)put_public(dir_fd, id); /* the key is what counts: identity_load() makes the other where it is missing */
	return r;
}

int identity_load_existing(struct sr_identity *ret, struct sr_error *err)
{
	SR_AUTOFREE char *folder = NULL;
	SR_AUTOCLOSE int dir_fd = -1;
	int r = open_folder(&dir_fd, &folder, err);

	return r < 0 ? r : read_key(dir_fd, folder, ret, err);
}

int identity_load(struct sr_identity *ret, bool *ret_made, struct sr_error *err)
{
	SR_AUTOFREE char *folder = NULL;
	SR_AUTOCLOSE int dir_fd = -1;
	struct sr_identity id;
	int r = open_folder(&dir_fd, &folder, err);

	if (r < 0)
		return r;
	r = read_key(dir_fd, folder, ret, err);
	if (r == 0 && faccessat(dir_fd, SR_IDENTITY_PUBLIC, F_OK, 0) < 0 && errno == ENOENT)
		(void)put_public(dir_fd, ret); /* whoever made the key was killed in between; it is there for others alone */
	if (r != -ENOENT)
		return r;
	r = from_seed(NULL, &id);
	if (r < 0)
		return sr_error_oom(err, STAGE);
	r = put_key(dir_fd, &id, false);
	if (r == -EEXIST) { /* another run was first: its key is the one */
		identity_done(&id);
		return read_key(dir_fd, folder, ret, err);
	}
	if (r < 0) {
		identity_done(&id);
		return cannot(err, "make the identity key in", folder, -r, NULL);
	}
	*ret = id;
	if (ret_made)
		*ret_made = true;
	return 0;
}

/* The bytes of the old key's file, once its name is the new one's: a copy-on-write file system may keep them all the same. */
static void overwrite(int fd)
{
	const char zero[PEM_TEXT] = { 0 };

	if (fd >= 0 && io_write_full(fd, zero, sizeof(zero)) == 0)
		(void)fsync(fd);
}

static int keep_public(int dir_fd, const struct sr_identity *id)
{
	SR_AUTOCLOSE int retired = -1;
	char name[SR_DIGEST_HEX + 8], pem[SR_PEM_BYTES];

	if (mkdirat(dir_fd, SR_IDENTITY_RETIRED, 0700) < 0 && errno != EEXIST)
		return -errno;
	retired = openat(dir_fd, SR_IDENTITY_RETIRED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (retired < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "%s.pem", id->id);
	public_key_pem(&id->public_key, pem);
	return put_file(retired, name, 0644, pem, strlen(pem), true);
}

int identity_rotate(struct sr_identity *ret, char old_id[static SR_DIGEST_HEX], struct sr_error *err)
{
	struct sr_identity old = { .secret = NULL }, id;
	SR_AUTOFREE char *folder = NULL;
	SR_AUTOCLOSE int dir_fd = -1, old_fd = -1;
	struct sr_error ignored = SR_ERROR_INIT;
	int r = open_folder(&dir_fd, &folder, err);

	if (r < 0)
		return r;
	old_id[0] = '\0';
	r = read_key(dir_fd, folder, &old, &ignored); /* a broken one is a reason to rotate, not to refuse it */
	if (r == 0) {
		memcpy(old_id, old.id, SR_DIGEST_HEX);
		r = keep_public(dir_fd, &old);
		identity_done(&old);
		if (r < 0)
			return cannot(err, "keep the old public key in", folder, -r, NULL);
	}
	if (from_seed(NULL, &id) < 0)
		return sr_error_oom(err, STAGE);
	old_fd = openat(dir_fd, SR_IDENTITY_KEY, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	(void)unlinkat(dir_fd, SR_IDENTITY_PUBLIC, 0); /* at no time the old one beside the new key */
	r = put_key(dir_fd, &id, true);
	if (r < 0) {
		identity_done(&id);
		return cannot(err, "write the new identity key in", folder, -r, NULL);
	}
	overwrite(old_fd);
	*ret = id;
	return 0;
}
