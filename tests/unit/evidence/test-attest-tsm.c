/* SPDX-License-Identifier: MIT */
/*
 * configfs-tsm against a stand-in: a folder whose keeper does what the kernel does in its own. Where somebody makes a
 * folder, it makes the report's files, waits for 64 bytes in inblob and makes the quote; and it does so wrong in every way.
 * Whatever happens, no instance may stay behind.
 */
#include "evidence/attest-source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/str.h"

struct keeper {
	const char *name;
	const char *before, *after; /* generation; NULL: 0 and 1 */
	const char *provider;       /* NULL: tdx_guest */
	enum { RIGHT, OTHER, EMPTY, HUGE, LINK, NEVER } quote;
	const char *aux;            /* NULL: the file is not there */
	const char *reason;         /* NULL: a quote is had */
};

static const struct keeper keepers[] = {
	{ "a quote", NULL, NULL, NULL, RIGHT, NULL, NULL },
	{ "a quote and more", NULL, NULL, NULL, RIGHT, "certificates", NULL },
	{ "an empty auxblob", NULL, NULL, NULL, RIGHT, "", NULL },
	{ "a provider that is not known", "7\n", "8\n", "cca_guest\n", OTHER, NULL, NULL },
	{ "a quote over something else", NULL, NULL, NULL, OTHER, NULL, "outblob: the quote is not over this run" },
	{ "an Intel quote of an AMD provider", NULL, NULL, "sev_guest\n", RIGHT, NULL, "outblob: the quote is not over this run" },
	{ "an empty quote", NULL, NULL, NULL, EMPTY, NULL, "outblob: it is empty" },
	{ "a quote of 2 MiB", NULL, NULL, NULL, HUGE, NULL, "outblob: File too large" },
	{ "a link in the place of the quote", NULL, NULL, NULL, LINK, NULL, "outblob: " },
	{ "no quote ever", NULL, NULL, NULL, NEVER, NULL, "outblob: No such file" },
	{ "somebody else writes", "0\n", "2\n", NULL, RIGHT, NULL, "generation: somebody else wrote" },
	{ "a report that was not written", "3\n", "3\n", NULL, RIGHT, NULL, "generation: somebody else wrote" },
	{ "a generation that is no number", "zero\n", NULL, NULL, RIGHT, NULL, "generation: " },
	{ "a generation that is no number afterwards", NULL, "1 2\n", NULL, RIGHT, NULL, "generation: not what it should hold" },
	{ "an empty generation", "\n", NULL, NULL, RIGHT, NULL, "generation: not what it should hold" },
	{ "a provider that is no word", NULL, NULL, "tdx\x1b[2J\n", RIGHT, NULL, "provider: not what it should hold" },
	{ "a provider without end", NULL, NULL, "tdx_guest_of_a_kind_that_nobody_has_seen_so_far\n", RIGHT, NULL, "provider: not what" },
	{ "no provider", NULL, NULL, "", RIGHT, NULL, "provider: not what it should hold" },
};

static char folder[] = "/tmp/sr-attest-tsm-XXXXXX";
static uint8_t report_data[SR_REPORT_DATA_BYTES];

/* A file appears whole. */
static void put(int dir, const char *name, const void *data, size_t len)
{
	int fd = openat(dir, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (io_write_full(fd, data, len) < 0 || close(fd) < 0 || renameat(dir, ".new", dir, name) < 0)
		_exit(1);
}

static void put_text(int dir, const char *name, const char *text)
{
	put(dir, name, text, strlen(text));
}

/* The name of the first entry that is no ".", or false. */
static bool first_entry(char *name, size_t size)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		found = e->d_name[0] != '.';
		(void)snprintf(name, size, "%s", e->d_name);
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* What the kernel would say to these 64 bytes. */
static void put_quote(int dir, const struct keeper *k, const uint8_t *data)
{
	static uint8_t quote[2 << 20];

	memset(quote, 0x33, sizeof(quote));
	memcpy(quote, "\4\0\2\0\x81\0\0", 8);
	memcpy(quote + 568, data, SR_REPORT_DATA_BYTES);
	if (k->quote == OTHER)
		quote[568] ^= 1;
	if (k->quote == LINK) {
		put(dir, "inblob.copy", quote, 5000);
		(void)!symlinkat("inblob.copy", dir, "outblob");
	} else if (k->quote != NEVER) {
		put(dir, "outblob", quote, k->quote == EMPTY ? 0 : k->quote == HUGE ? sizeof(quote) : 5000);
	}
}

/* One report; `generation` appears last, so everything is there with it. */
static void keep(const struct keeper *k)
{
	uint8_t data[SR_REPORT_DATA_BYTES + 1];
	char name[256];
	ssize_t n = 0;
	int dir;

	(void)alarm(60);
	while (!first_entry(name, sizeof(name)))
		(void)usleep(1000);
	(void)chdir(folder);
	dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "inblob", "", 0);
	put_text(dir, "provider", k->provider ? k->provider : "tdx_guest\n");
	if (k->aux)
		put_text(dir, "auxblob", k->aux);
	put_text(dir, "generation", k->before ? k->before : "0\n");
	while (n != SR_REPORT_DATA_BYTES) {
		int fd = openat(dir, "inblob", O_RDONLY | O_CLOEXEC);

		n = io_read_full(fd, data, sizeof(data));
		if (n < 0)
			_exit(0); /* it has been removed: no report is wanted any more */
		(void)close(fd);
		(void)usleep(1000);
	}
	put_text(dir, "generation", k->after ? k->after : "1\n");
	put_quote(dir, k, data);
	_exit(0);
}

static int ask(const struct keeper *k, bool simulated, json_t **ret, struct sr_error *err)
{
	pid_t pid = fork();
	int r;

	if (pid == 0)
		keep(k);
	r = attest_tsm(folder, simulated, report_data, ret, err);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}

/* Nothing is left of an instance; a link that the stand-in made beside the known files is its own business. */
static bool is_clean(bool by_hand)
{
	SR_AUTOFREE char *command = NULL;
	char name[256];

	if (by_hand && first_entry(name, sizeof(name))) {
		command = str_format("rm -rf %s/%s", folder, name);
		return command && system(command) == 0;
	}
	return !first_entry(name, sizeof(name));
}

static void test_keepers(void)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(keepers); i++) {
		const struct keeper *k = &keepers[i];
		struct sr_error err = SR_ERROR_INIT;
		json_t *element = NULL;
		int r = ask(k, true, &element, &err);
		bool good = k->reason ? r < 0 && !element && err.code == SR_E_EVIDENCE && strstr(err.text, k->reason) &&
						str_has_prefix(err.text, "cannot get a quote from '/tmp/sr-attest-tsm-")
				      : r == 0 && element;

		if (good && !k->reason)
			good = json_is_true(json_object_get(element, "simulated"));
		OK(good, k->name);
		if (!good)
			tap_note("returned %d, error '%s', expected '%s'", r, err.text, k->reason ? k->reason : "a quote");
		OK(is_clean(k->quote == LINK), "nothing is left of it");
		json_decref(element);
	}
}

static void test_element(void)
{
	char hex[2 * SR_REPORT_DATA_BYTES + 1];
	json_t *element = NULL;

	str_hex(report_data, sizeof(report_data), hex);
	IS_INT(ask(&keepers[1], true, &element, NULL), 0, "a quote is had");
	IS_STR(json_string_value(json_object_get(element, "provider")), "tdx_guest", "of the provider");
	IS_STR(json_string_value(json_object_get(element, "reportData")), hex, "over the report data");
	IS_STR(json_string_value(json_object_get(element, "reportDataPreimage")), "run-open", "of run-open");
	IS_STR(json_string_value(json_object_get(element, "generation")), "1", "with the generation");
	IS_STR(json_string_value(json_object_get(element, "auxblob")), "Y2VydGlmaWNhdGVz", "and the auxblob in base64");
	OK(json_is_true(json_object_get(element, "simulated")), "it is labelled simulated");
	OK(str_has_prefix(json_string_value(json_object_get(element, "quote")), "BAACAIEAAA"), "the quote is in base64");
	json_decref(element);
	element = NULL;
	IS_INT(ask(&keepers[2], true, &element, NULL), 0, "a quote is had with an empty auxblob");
	OK(!json_object_get(element, "auxblob"), "which is left out");
	json_decref(element);
}

/* As the real folder is used: nothing is waited for, and only the kernel removes files. */
static void test_real(void)
{
	struct sr_error err = SR_ERROR_INIT;
	SR_AUTOFREE char *missing = str_format("%s/missing", folder);
	json_t *element = NULL;

	OK(attest_tsm(folder, false, report_data, &element, &err) == -ENOENT && !element, "a folder without a kernel behind it");
	OK(strstr(err.text, "generation: No such file") != NULL, "has no report in it");
	OK(is_clean(false), "nothing is left of it");
	OK(attest_tsm(missing, false, report_data, &element, &err) == -ENOENT && !element, "no folder");
	if (geteuid() != 0) {
		(void)chmod(folder, 0500);
		OK(attest_tsm(folder, false, report_data, &element, &err) == -EACCES && !element, "a folder that is not ours");
		OK(strstr(err.text, "Permission denied") != NULL, "says so");
		(void)chmod(folder, 0700);
	} else {
		tap_skip("a folder that is not ours", "needs an ordinary user");
		tap_skip("says so", "needs an ordinary user");
	}
}

int main(void)
{
	if (!mkdtemp(folder)) {
		puts("Bail out! no temporary folder");
		return 1;
	}
	for (size_t i = 0; i < sizeof(report_data); i++)
		report_data[i] = (uint8_t)(i * 5 + 3);
	test_keepers();
	test_element();
	test_real();
	(void)rmdir(folder);
	return tap_done();
}
