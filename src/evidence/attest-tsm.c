/* SPDX-License-Identifier: MIT */
/*
 * configfs-tsm (Linux 6.7 and newer). Making a folder makes a report instance of one's own; 64 bytes go into inblob and
 * arrive when it is closed; reading outblob makes the quote. `generation` counts the writes: exactly one more than before
 * ours means that nobody else wrote. Removing the folder ends the instance.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "evidence/attest-source.h"
#include "evidence/envelope.h"

struct instance {
	const char *folder; /* for messages */
	bool simulated;
	int64_t deadline;   /* of waiting for a stand-in's files */
	int parent, dir;
	char name[48];
};

static int failed(const struct instance *in, int errnum, const char *what, const char *reason, struct sr_error *err)
{
	SR_AUTOFREE char *text = str_format("%s: %s", what, reason);

	return attest_failed(err, errnum, in->folder, text ? text : reason);
}

/* Opens a file of the instance. A stand-in's keeper may need a moment to make it. */
static int open_file(const struct instance *in, const char *name, int flags)
{
	for (;;) {
		int fd = openat(in->dir, name, flags | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 || errno != ENOENT || !in->simulated || attest_clock() >= in->deadline)
			return fd < 0 ? -errno : fd;
		(void)poll(NULL, 0, 2);
	}
}

/* A whole file; the caller frees *ret. */
static int read_file(const struct instance *in, const char *name, char **ret, size_t *ret_len)
{
	SR_AUTOCLOSE int fd = open_file(in, name, O_RDONLY);

	return fd < 0 ? fd : io_read_all(fd, SR_ATTEST_MAX, ret, ret_len);
}

/* One short line of plain text, without its end. */
static int read_word(const struct instance *in, const char *name, char *word, size_t size)
{
	SR_AUTOFREE char *text = NULL;
	size_t len;
	int r = read_file(in, name, &text, &len);

	if (r < 0)
		return r;
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len == 0 || len >= size || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != len)
		return -EBADMSG;
	memcpy(word, text, len + 1);
	return 0;
}

static int read_generation(const struct instance *in, uint64_t *ret)
{
	char word[24];
	int r = read_word(in, "generation", word, sizeof(word));

	return r < 0 ? r : str_to_u64(word, ret);
}

/* The kernel takes what was written when the file is closed, and says nothing then: outblob tells. */
static int write_inblob(const struct instance *in, const uint8_t *report_data)
{
	SR_AUTOCLOSE int fd = open_file(in, "inblob", O_WRONLY);

	return fd < 0 ? fd : io_write_full(fd, report_data, SR_REPORT_DATA_BYTES);
}

/* *ret_aux is empty where the provider has none. */
static int read_auxblob(const struct instance *in, char **ret, size_t *ret_len)
{
	*ret_len = 0;
	if (faccessat(in->dir, "auxblob", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return read_file(in, "auxblob", ret, ret_len);
}

static int make_element(const struct instance *in, const char *provider, uint64_t generation, const uint8_t *report_data,
			const char *quote, size_t len, const char *aux, size_t aux_len, json_t **ret)
{
	json_t *element = attest_element(provider, in->simulated, report_data, quote, len);
	SR_AUTOFREE char *aux_b64 = NULL;
	char number[24];
	size_t n;
	int r = element ? 0 : -ENOMEM;

	(void)snprintf(number, sizeof(number), "%" PRIu64, generation);
	if (!r)
		r = json_object_set_new(element, "generation", json_string(number)) < 0 ? -ENOMEM : 0;
	if (!r && aux_len > 0) {
		r = base64_encode(aux, aux_len, &aux_b64, &n);
		if (!r)
			r = json_object_set_new(element, "auxblob", json_string(aux_b64)) < 0 ? -ENOMEM : 0;
	}
	if (r < 0) {
		json_decref(element);
		return r;
	}
	*ret = element;
	return 0;
}

/* Everything between making the instance and removing it. */
static int ask(const struct instance *in, const uint8_t *report_data, json_t **ret, struct sr_error *err)
{
	SR_AUTOFREE char *quote = NULL, *aux = NULL;
	size_t len = 0, aux_len = 0;
	uint64_t before, after;
	char provider[32];
	const char *step = "generation";
	int r = read_generation(in, &before);

	if (!r)
		r = write_inblob(in, report_data), step = "inblob";
	if (!r)
		r = read_file(in, "outblob", &quote, &len), step = "outblob";
	if (!r)
		r = read_auxblob(in, &aux, &aux_len), step = "auxblob";
	if (!r)
		r = read_word(in, "provider", provider, sizeof(provider)), step = "provider";
	if (!r)
		r = read_generation(in, &after), step = "generation";
	if (r < 0)
		return failed(in, -r, step, r == -EBADMSG ? "not what it should hold" : strerror(-r), err);
	if (after != before + 1)
		return failed(in, EBUSY, "generation", "somebody else wrote to the report", err);
	if (len == 0)
		return failed(in, EBADMSG, "outblob", "it is empty", err);
	if (attest_quote_holds(provider, quote, len, report_data) == SR_QUOTE_OTHER)
		return failed(in, EBADMSG, "outblob", "the quote is not over this run", err);
	r = make_element(in, provider, after, report_data, quote, len, aux, aux_len, ret);
	return r < 0 ? sr_error_oom(err, SR_ATTEST_STAGE) : 0;
}

/* The kernel removes an instance's files with it; a stand-in's are removed one by one. */
static void remove_instance(const struct instance *in)
{
	static const char *const names[] = { "inblob", "outblob", "auxblob", "generation", "provider" };

	for (size_t i = 0; in->simulated && in->dir >= 0 && i < SR_ELEMENTSOF(names); i++)
		(void)unlinkat(in->dir, names[i], 0);
	(void)unlinkat(in->parent, in->name, AT_REMOVEDIR); /* what stays is empty, and nothing reads it */
}

int attest_tsm(const char *folder, bool simulated, const uint8_t report_data[static SR_REPORT_DATA_BYTES], json_t **ret,
	       struct sr_error *err)
{
	SR_AUTOCLOSE int parent = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SR_AUTOCLOSE int dir = -1;
	struct instance in = { .folder = folder, .simulated = simulated, .parent = parent };
	uint64_t random;
	int r;

	in.deadline = attest_clock() + SR_ATTEST_PATIENCE_MS;
	if (parent < 0)
		return attest_failed(err, errno, folder, strerror(errno));
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return attest_failed(err, EIO, folder, "no random numbers");
	(void)snprintf(in.name, sizeof(in.name), "sandrun-%016" PRIx64, random);
	if (mkdirat(parent, in.name, 0700) < 0)
		return attest_failed(err, errno, folder, errno == ENXIO ? "this machine has no provider of quotes" : strerror(errno));
	dir = openat(parent, in.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	in.dir = dir;
	r = dir < 0 ? attest_failed(err, errno, folder, strerror(errno)) : ask(&in, report_data, ret, err);
	remove_instance(&in);
	return r;
}
