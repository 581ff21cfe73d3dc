/* SPDX-License-Identifier: MIT */
/* Commitments against values computed with python's hmac module; salts and opening files in every wrong form. */
#include "evidence/commitment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/str.h"
#include "evidence/measure.h"
#include "evidence/opening.h"

static const char counting[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static int read_salt(const void *data, size_t len, struct sr_salt *ret)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0 || io_write_full(fds[1], data, len) < 0)
		return -EIO;
	(void)close(fds[1]);
	r = salt_read(fds[0], ret);
	(void)close(fds[0]);
	return r;
}

static struct sr_salt counting_salt(void)
{
	struct sr_salt s = { .bytes = NULL };

	IS_INT(read_salt(counting, strlen(counting), &s), 0, "a salt of 64 hex digits");
	return s;
}

static void test_vectors(void)
{
	static const char words[] = "python3\0a.py\0--key\0k";
	static char python[] = "python3", script[] = "a.py", option[] = "--key", value[] = "k";
	char *const argv[] = { python, script, option, value };
	char hex[SR_DIGEST_HEX], thousand[1000];
	struct sr_salt s = counting_salt();
	uint8_t item[SR_SALT_BYTES];

	memset(thousand, 'x', sizeof(thousand));
	salt_item(&s, "input", "salaries.csv", item);
	str_hex(item, sizeof(item), hex);
	IS_STR(hex, "d54a569bfbcc660a5207fbb84037539b68d5b9720f082a20a2e43faf4c6f8b57", "an item's salt");
	commitment_item(&s, "input", "salaries.csv", "ssn,123456789\n", 14, hex);
	IS_STR(hex, "3f2f0e365fb6f0dee002c54668be8097bc9af4d2b18e245ba904cb6b366e8416", "a commitment");
	commitment_item(&s, "stdout", "stdout", "", 0, hex);
	IS_STR(hex, "78fe6e27f419259cab07483705e25c20ced021fec15951161d4973b28c4fc158", "to nothing");
	commitment_item(&s, "argv", "argv", words, sizeof(words), hex);
	IS_STR(hex, "0ffc26d68113ed1e3e9514979d5e56e62dd19853de6d6fddc13a4dcd79d789e7", "to words, as one buffer");
	commitment_words(&s, "argv", "argv", argv, SR_ELEMENTSOF(argv), hex);
	IS_STR(hex, "0ffc26d68113ed1e3e9514979d5e56e62dd19853de6d6fddc13a4dcd79d789e7", "and one by one");
	commitment_item(&s, "output", "caf\xe9", thousand, sizeof(thousand), hex);
	IS_STR(hex, "b137b054a9b657c2b604ddfa41038794795a8d7bc8487a9603ebcc806bbd87db", "a name that is no UTF-8 is the one shown");
	salt_free(&s);
	OK(!s.bytes, "the salt is gone");
	salt_free(&s);
	OK(!s.bytes, "freeing none is fine");
}

static void test_measure(void)
{
	static const struct sr_commitment zero;
	char one[SR_DIGEST_HEX], pieces[SR_DIGEST_HEX];
	struct sr_salt s = counting_salt();
	struct sr_measure m;

	measure_private(&m, &s, "input", "salaries.csv");
	measure_update(&m, "ssn,", 4);
	measure_update(&m, "123456789\n", 10);
	IS_INT(m.bytes, 14, "bytes are counted");
	measure_final_hex(&m, pieces);
	IS_STR(pieces, "3f2f0e365fb6f0dee002c54668be8097bc9af4d2b18e245ba904cb6b366e8416", "a private measure is a commitment");
	OK(memcmp(&m.as.commitment, &zero, sizeof(zero)) == 0, "and leaves no key behind");
	measure_plain(&m);
	measure_update(&m, "ssn,123456789\n", 14);
	measure_final_hex(&m, pieces);
	digest_hex("ssn,123456789\n", 14, one);
	IS_STR(pieces, one, "a plain one is the digest");
	IS_STR(measure_name(true), "sandrunHmacSha256V1", "its name");
	IS_STR(measure_name(false), "sha256", "and the other's");
	salt_free(&s);
}

static void test_salts(void)
{
	uint8_t raw[SR_SALT_BYTES + 1], seen[SR_SALT_BYTES];
	char hex[SR_SALT_HEX + 8];
	struct sr_salt a, b;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 7);
	IS_INT(read_salt(raw, SR_SALT_BYTES, &a), 0, "32 raw bytes are a salt");
	OK(memcmp(a.bytes, raw, SR_SALT_BYTES) == 0, "and that one");
	salt_free(&a);
	IS_INT(read_salt(raw, SR_SALT_BYTES - 1, &a), -EBADMSG, "31 bytes are none");
	IS_INT(read_salt(raw, SR_SALT_BYTES + 1, &a), -EBADMSG, "33 bytes are none");
	IS_INT(read_salt("", 0, &a), -EBADMSG, "an empty file is none");
	(void)snprintf(hex, sizeof(hex), "%s\n", counting);
	IS_INT(read_salt(hex, 65, &a), 0, "hex with a newline");
	salt_free(&a);
	(void)snprintf(hex, sizeof(hex), "%s\n\n", counting);
	IS_INT(read_salt(hex, 66, &a), -EBADMSG, "with two: no");
	(void)snprintf(hex, sizeof(hex), "%sg", counting);
	IS_INT(read_salt(hex, 65, &a), -EBADMSG, "65 characters: no");
	hex[3] = 'g';
	IS_INT(read_salt(hex, 64, &a), -EBADMSG, "a letter that is no digit: no");
	memset(raw, 0, sizeof(raw));
	IS_INT(read_salt(raw, SR_SALT_BYTES, &a), -EDOM, "all zero is no secret");
	memset(raw, 'a', sizeof(raw));
	IS_INT(read_salt(raw, SR_SALT_BYTES, &a), -EDOM, "nor is one letter");
	OK(salt_new(&a) == 0 && salt_new(&b) == 0, "two random salts");
	memcpy(seen, b.bytes, sizeof(seen));
	OK(memcmp(a.bytes, seen, sizeof(seen)) != 0, "differ");
	salt_free(&a);
	salt_free(&b);
}

/* A clone of a later run, or a helper program before its exec, has zeros where the salt was. */
static void test_fork(void)
{
	static const uint8_t zero[SR_SALT_BYTES];
	struct sr_salt s;
	int status = -1;
	pid_t pid;

	IS_INT(salt_new(&s), 0, "a salt");
	OK(memcmp(s.bytes, zero, sizeof(zero)) != 0, "that is not zero");
	pid = fork();
	if (pid == 0)
		_exit(memcmp(s.bytes, zero, sizeof(zero)) == 0 ? 0 : 1);
	OK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status), "a child looks at it");
	IS_INT(WEXITSTATUS(status), 0, "and finds zeros");
	OK(memcmp(s.bytes, zero, sizeof(zero)) != 0, "here it still is");
	salt_free(&s);
}

/* ---- opening files -------------------------------------------------------------------------------------------------- */

#define ID "0190f3a4-7c1e-7abc-8def-0123456789ab"
#define ITEM(name, role) "{\"name\":\"" name "\",\"role\":\"" role "\",\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}"
#define FILE_OF(items) "{\"items\":[" items "],\"runId\":\"" ID "\",\"v\":1}"

static void test_round_trip(void)
{
	static const struct sr_opening_name names[] = { { "stdout", "stdout" }, { "input", "caf\xe9 \"x\"" }, { "input", "a" } };
	char folder[] = "/tmp/sr-opening-XXXXXX", *text = NULL;
	SR_AUTOCLOSE int dir = -1;
	struct sr_salt s = counting_salt();
	const struct sr_opening_item *item;
	uint8_t want[SR_SALT_BYTES];
	struct sr_opening o;
	const char *why;
	struct stat st;
	size_t len = 0;
	mode_t mask = umask(0);
	int fd;

	OK(mkdtemp(folder), "a folder");
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	IS_INT(opening_text(ID, &s, names, SR_ELEMENTSOF(names), &text), 0, "an opening file's text");
	IS_INT(file_write_at(dir, "x.opening.json", 0600, text, strlen(text), false), 0, "is written");
	opening_text_free(SR_TAKE_PTR(text));
	(void)umask(mask);
	OK(fstatat(dir, "x.opening.json", &st, 0) == 0 && (st.st_mode & 07777) == 0600, "for its owner alone");
	fd = openat(dir, "x.opening.json", O_RDONLY | O_CLOEXEC);
	IS_INT(io_read_all(fd, SR_OPENING_MAX, &text, &len), 0, "and read");
	(void)close(fd);
	IS_INT(opening_read(text, len, &o, &why), 0, "and understood");
	IS_STR(o.run_id, ID, "its run");
	IS_INT(o.count, 3, "its items");
	item = opening_find(&o, "input", "caf\\xe9 \"x\"");
	salt_item(&s, "input", "caf\\xe9 \"x\"", want); /* it is given the name as the certificate has it */
	OK(item && memcmp(item->salt, want, sizeof(want)) == 0, "the salt of an odd name");
	OK(!opening_find(&o, "output", "a") && opening_find(&o, "input", "a"), "role and name both count");
	OK(!strstr(text, counting), "the run's salt is not in it");
	opening_done(&o);
	free(text);
	(void)unlinkat(dir, "x.opening.json", 0);
	OK(rmdir(folder) == 0, "nothing else was left in the folder");
	salt_free(&s);
}

static void test_paths(void)
{
	static const char *const rows[][2] = { { "a/x.intoto.jsonl", "a/" ID ".opening.json" }, { "x", ID ".opening.json" },
					       { "/x", "/" ID ".opening.json" } };

	for (size_t i = 0; i < SR_ELEMENTSOF(rows); i++) {
		SR_AUTOFREE char *path = opening_path(rows[i][0], ID);

		IS_STR(path, rows[i][1], "where the opening of a certificate lies");
	}
}

static void test_strict(void)
{
	static const struct {
		const char *text, *name;
	} bad[] = {
		{ "", "nothing" },
		{ "{}", "an empty object" },
		{ FILE_OF("") "x", "something behind it" },
		{ "{\"items\":[],\"items\":[],\"runId\":\"" ID "\",\"v\":1}", "a key twice" },
		{ "{\"items\":[],\"runId\":\"" ID "\",\"v\":2}", "another version" },
		{ "{\"items\":[],\"runId\":\"" ID "\",\"v\":1,\"more\":1}", "an unknown key" },
		{ "{\"items\":{},\"runId\":\"" ID "\",\"v\":1}", "items that are no list" },
		{ "{\"items\":[],\"runId\":\"../../etc/passwd-aaaaaaaaaaaaaaaaaaaa\",\"v\":1}", "a run id that is none" },
		{ FILE_OF(ITEM("a", "input") "," ITEM("b", "input") "," ITEM("a", "input")), "an item twice" },
		{ FILE_OF("{\"name\":\"a\",\"role\":\"input\",\"salt\":\"00\"}"), "a short salt" },
		{ FILE_OF("{\"name\":\"a\",\"role\":\"input\",\"salt\":"
			  "\"000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}"), "capital letters" },
		{ FILE_OF("{\"name\":\"a\",\"role\":\"input\"}"), "an item without a salt" },
		{ FILE_OF("{\"name\":\"a\",\"name\":\"b\",\"role\":\"input\",\"salt\":\"00\"}"), "an item's key twice" },
		{ FILE_OF("7"), "an item that is a number" },
		{ FILE_OF(ITEM("a\xff", "input")), "a name that is no UTF-8" },
		{ FILE_OF(ITEM("a\\u0000b", "input")), "a NUL in a name" },
	};
	struct sr_opening o;
	const char *why;

	IS_INT(opening_read(FILE_OF(ITEM("a", "input") "," ITEM("a", "output")),
			    strlen(FILE_OF(ITEM("a", "input") "," ITEM("a", "output"))), &o, &why), 0, "the right form is read");
	IS_INT(o.count, 2, "with both items");
	opening_done(&o);
	for (size_t i = 0; i < SR_ELEMENTSOF(bad); i++) {
		IS_INT(opening_read(bad[i].text, strlen(bad[i].text), &o, &why), -EBADMSG, bad[i].name);
		OK(why && *why, "and says why");
	}
}

/* Last: it cannot be taken back. */
static void test_undumpable(void)
{
	IS_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1, "a process can be dumped");
	secret_process();
	IS_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "one with secrets cannot");
}

int main(void)
{
	test_vectors();
	test_measure();
	test_salts();
	test_fork();
	test_round_trip();
	test_paths();
	test_strict();
	test_undumpable();
	return tap_done();
}
