/* SPDX-License-Identifier: MIT */
/*
 * sandrun environment check NAME...: the programs of a definition's [check] run in the environment as anything runs there, in
 * the default profile or the one that the definition names.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "environment/build.h"
#include "environment/common.h"
#include "environment/known.h"

/* A file in memory with this text, read from its start. Descriptor or -errno. */
static int text_file(const char *text)
{
	SR_AUTOCLOSE int fd = memfd_create("check", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_full(fd, text, strlen(text));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : SR_TAKE_FD(fd);
}

/* The last line that says something: where interpreters put what is wrong. */
static void last_line(int fd, char *out, size_t size)
{
	SR_AUTOFREE char *text = NULL;
	const char *line = "";
	size_t len = 0;

	if (lseek(fd, 0, SEEK_SET) == 0 && io_read_all(fd, 16U << 20, &text, &len) == 0) {
		for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
			if (*p != '\n' && !str_has_prefix(p, "hint: "))
				line = p;
		}
	}
	(void)str_escape_n(line, strcspn(line, "\n"), out, size);
}

static int run_check(const struct sr_definition *d, const struct sr_check *check, const char *environment, char *ret_why,
		     struct sr_error *err)
{
	SR_AUTOCLOSE int code = text_file(check->code);
	SR_AUTOCLOSE int out = text_file("");
	struct sr_strv words = { .count = 0 };
	const struct child_call call = { .inside = true, .words = &words, .fds = { code, out, out } };
	char line[400];
	int r = code < 0 || out < 0 ? build_failed(err, ENOMEM, "check %s", d->name) : 0;

	if (r == 0 && (strv_add(&words, "--no-config") < 0 || strv_add(&words, "--no-manifest") < 0 || strv_add(&words, "--no-certificate") < 0 ||
		       strv_add(&words, "-q") < 0 || strv_addf(&words, "--environment=%s", environment) < 0 ||
		       strv_addf(&words, "--profile=%s", d->profile ? d->profile : "default") < 0 ||
		       strv_addf(&words, "--lang=%s", check->language) < 0))
		r = sr_error_oom(err, STAGE);
	if (r == 0)
		r = child_run(&call, "check the environment", err);
	strv_done(&words);
	if (r <= 0)
		return r;
	last_line(out, line, sizeof(line));
	(void)snprintf(ret_why, 512, "its check in %s failed, status %d%s%s", check->language, r, *line ? ": " : "", line);
	return 1;
}

int checks_run(const struct sr_definition *d, const char *environment, char *ret_why, struct sr_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < SR_CHECKS; i++) {
		if (d->checks[i].code)
			r = run_check(d, &d->checks[i], environment, ret_why, err);
	}
	return r;
}

/* 0, 1: the answer is no, negative with the error set. */
static int check_one(const struct store_writer *s, const char *name, struct sr_error *err)
{
	struct sr_definitions all;
	struct known known = { .layers = { .count = 0 } };
	char why[512];
	int r = definitions_load(name, &all, err);

	if (r < 0)
		return r;
	r = known_read(s, name, &known, err);
	if (r == -ENOENT)
		sr_error_hint(err, "sandrun environment build %s", name);
	if (r == 0)
		r = checks_run(&all.items[all.count - 1], name, why, err);
	if (r == 0)
		(void)printf("%s: good\n", name);
	if (r > 0)
		(void)printf("%s: %s\n", name, why);
	known_done(&known);
	definitions_done(&all);
	return r;
}

int environment_check(int argc, char **argv)
{
	struct store_writer s = SR_STORE_WRITER_INIT;
	struct sr_error err = SR_ERROR_INIT;
	int status = verb_options(&argc, argv, NULL, 0, 1, 1000), r;

	if (status >= 0)
		return status;
	verb_catch_signals();
	r = store_writer_open(&s, &err);
	status = 0;
	for (int i = 1; r >= 0 && i < argc; i++) {
		r = check_one(&s, argv[i], &err);
		if (r > 0)
			status = 1;
	}
	store_writer_done(&s);
	return r < 0 ? verb_fail(&err) : verb_flush(status);
}
