/* SPDX-License-Identifier: MIT */
/*
 * The .debs: fetched by apt-get download into the cache, which all builds share, and compared with the digests of the lists
 * whose signatures apt checked. And what apt complains of, in words.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/build-apt.h"
#include "environment/common.h"

/* --- complaints ------------------------------------------------------------------------------------------------------------------- */

/* The first line that starts with one of apt's letters, without it. */
static bool find_complaint(const char *text, const char *letter, char out[static 400])
{
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : p) {
		size_t n = strcspn(p, "\n");

		if (strncmp(p, letter, strlen(letter)) != 0)
			continue;
		p += strlen(letter);
		n -= strlen(letter);
		(void)str_escape_n(p, n, out, 400);
		return true;
	}
	return false;
}

static const struct {
	const char *word, *hint;
} mends[] = {
	{ "Unable to locate package", NULL },
	{ "has no installation candidate", NULL },
	{ "NO_PUBKEY", "sign" },
	{ "not signed", "sign" },
	{ "BADSIG", "sign" },
	{ "EXPKEYSIG", "sign" },
	{ "REVKEYSIG", "sign" },
	{ "signatures couldn't be verified", "sign" },
	{ "signatures were invalid", "sign" },
	{ "No space left", "the disk is full: free some, or sandrun environment prune" },
	{ "File size limit", "the limit on the size of files is too low: ulimit -f" },
	{ "Temporary failure", "net" },
	{ "Could not resolve", "net" },
	{ "Could not connect", "net" },
	{ "Unable to connect", "net" },
	{ "Connection", "net" },
	{ "Failed to fetch", "net" },
	{ "Unmet dependencies", "the packages do not go together: apt-get install -s with the same names says more" },
	{ "Unable to correct problems", "the packages do not go together: apt-get install -s with the same names says more" },
};

int apt_explain(struct build *b, const char *what, struct sr_error *err)
{
	SR_AUTOFREE char *text = NULL;
	char why[400] = "apt failed without a word", hint[400] = "";
	int r = build_read(b, "apt.err", &text, NULL, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < SR_ELEMENTSOF(mends) && !*hint; i++) {
		const char *mend = mends[i].hint;

		if (!strstr(text, mends[i].word))
			continue;
		if (!mend)
			(void)snprintf(hint, sizeof(hint), "%s names it; apt-cache search looks for the right name", SHOWN(b->definition->path));
		else if (strcmp(mend, "sign") == 0)
			(void)snprintf(hint, sizeof(hint), "nothing of it is used; the keyring of that source in /etc/apt is wrong or too old, "
							   "or somebody changes what it sends: sudo apt-get update tells the same");
		else if (strcmp(mend, "net") == 0)
			(void)snprintf(hint, sizeof(hint), "check the network, and the mirror in /etc/apt/sources.list and sources.list.d");
		else
			(void)snprintf(hint, sizeof(hint), "%s", mend);
	}
	if (!find_complaint(text, "E: ", why) && !find_complaint(text, "W: ", why) && *text)
		(void)str_escape_n(text, strcspn(text, "\n"), why, sizeof(why));
	/* "Some index files failed" says less than the warning before it */
	if (strstr(why, "Some index files failed") || strstr(why, "Problem executing"))
		(void)find_complaint(text, "W: ", why);
	(void)sr_error_set(err, SR_E_ENVIRONMENT, EIO, STAGE, "cannot %s for %s: %s", what, b->definition->name, why);
	sr_error_hint(err, "%s", *hint ? hint : "apt-get -s install with the same names may say more");
	return -EIO;
}

/* --- files -------------------------------------------------------------------------------------------------------------------------- */

/* 1 where the file has that digest, 0 where it has not or is not there, negative: it cannot be read. */
static int has_digest(int dir_fd, const char *name, const char *want)
{
	SR_AUTOCLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	static uint8_t buffer[256 << 10];
	struct sha256_ctx ctx;
	uint8_t sum[SHA256_DIGEST_SIZE];
	char hex[2 * sizeof(sum) + 1];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	sha256_init(&ctx);
	while ((n = io_read_full(fd, buffer, sizeof(buffer))) > 0)
		sha256_update(&ctx, (size_t)n, buffer);
	if (n < 0)
		return (int)n;
	sha256_digest(&ctx, sizeof(sum), sum);
	str_hex(sum, sizeof(sum), hex);
	return strcmp(hex, want) == 0;
}

/* Looks which .debs are good; a bad one goes, apt-get would take it for what it wants. */
static int look(struct build *b, int debs_fd, uint64_t *ret_missing, struct sr_error *err)
{
	*ret_missing = 0;
	for (size_t i = 0; i < b->packages.count; i++) {
		struct sr_package *p = &b->packages.items[i];
		SR_AUTOFREE char *file = p->kept ? package_file(p) : NULL;
		int r;

		if (!p->kept || p->present)
			continue;
		if (verb_interrupted())
			return verb_give_up("fetch packages", err);
		r = file ? has_digest(debs_fd, file, p->sha256) : -ENOMEM;
		if (r < 0)
			return build_failed(err, -r, "read %s/%s", SHOWN(b->debs_dir), file ? SHOWN(file) : "...");
		p->present = r > 0;
		if (p->present)
			continue;
		(void)unlinkat(debs_fd, file, 0);
		*ret_missing += p->size;
	}
	return 0;
}

struct meter {
	struct build *b;
	int debs_fd;
	uint64_t total;
};

/* What is there of the files that are being fetched: apt writes them under their own names. */
static void show_bytes(void *arg)
{
	struct meter *m = arg;
	char got[16], all[16];
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->b->packages.count; i++) {
		const struct sr_package *p = &m->b->packages.items[i];
		SR_AUTOFREE char *file = p->kept && !p->present ? package_file(p) : NULL;
		struct stat st;

		if (file && fstatat(m->debs_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size;
	}
	verb_size(bytes < m->total ? bytes : m->total, got);
	verb_size(m->total, all);
	build_tick(m->b, "%s of %s", got, all);
}

static int download(struct build *b, struct meter *meter, struct sr_error *err)
{
	SR_AUTOCLOSE int out = build_file(b, "apt.out", err);
	SR_AUTOCLOSE int errors = out < 0 ? out : build_file(b, "apt.err", err);
	struct sr_strv words = { .count = 0 };
	const struct child_call call = { .words = &words, .fds = { -1, out, errors }, .folder = b->debs_dir, .tick = show_bytes, .arg = meter };
	int r = errors < 0 ? errors : 0;

	if (r == 0 && (strv_add(&words, "apt-get") < 0 || strv_add(&words, "-c") < 0 || strv_addf(&words, "%s/apt.conf", b->dir) < 0 ||
		       strv_add(&words, "-qq") < 0 || strv_add(&words, "download") < 0))
		r = sr_error_oom(err, STAGE);
	for (size_t i = 0; r == 0 && i < b->packages.count; i++) {
		const struct sr_package *p = &b->packages.items[i];

		if (p->kept && !p->present && strv_addf(&words, "%s=%s", p->name, p->version) < 0)
			r = sr_error_oom(err, STAGE);
	}
	if (r == 0)
		r = child_run(&call, "fetch packages", err);
	strv_done(&words);
	return r <= 0 ? r : apt_explain(b, "fetch packages", err);
}

static uint64_t installed_bytes(const struct build *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->packages.count; i++)
		sum += b->packages.items[i].kept ? b->packages.items[i].installed : 0;
	return sum;
}

int apt_download(struct build *b, struct sr_error *err)
{
	SR_AUTOCLOSE int debs_fd = open(b->debs_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct meter meter = { .b = b, .debs_fd = debs_fd };
	uint64_t missing = 0;
	char size[16];
	size_t count = 0;
	int r;

	if (debs_fd < 0)
		return build_failed(err, errno, "open %s", SHOWN(b->debs_dir));
	r = look(b, debs_fd, &meter.total, err);
	for (size_t i = 0; i < b->packages.count; i++)
		count += b->packages.items[i].kept;
	build_phase_done(b, "resolved %zu packages", count);
	if (r == 0)
		r = store_check_room(&b->work, installed_bytes(b) + meter.total, err);
	if (r < 0 || meter.total == 0)
		return r;
	build_phase(b, "fetching packages");
	r = download(b, &meter, err);
	if (r == 0)
		r = look(b, debs_fd, &missing, err);
	if (r == 0 && missing > 0) {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, EBADMSG, STAGE, "cannot fetch packages for %s: some have not the digest that the lists name",
				   b->definition->name);
		sr_error_hint(err, "try again; a mirror that is being updated answers so for a while");
		return -EBADMSG;
	}
	verb_size(meter.total, size);
	if (r == 0)
		build_phase_done(b, "fetched %s", size);
	return r;
}
