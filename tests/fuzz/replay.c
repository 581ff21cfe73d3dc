/* SPDX-License-Identifier: MIT */
/*
 * The driver of a fuzz target where it is a plain test: feeds it every file of its corpus, tests/fuzz/corpus/NAME for the
 * program fuzz-NAME.tap, or the files that are named. An input that once made a target fail lies in the corpus for good.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/str.h"
#include "fuzz.h"

#define FILE_MAX ((size_t)64 << 20)

static void replay(const char *path, const char *name)
{
	SR_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	SR_AUTOFREE char *text = NULL;
	uint8_t *exact;
	size_t len;

	if (fd < 0 || io_read_all(fd, FILE_MAX, &text, &len) < 0) {
		OK(false, name);
		return;
	}
	exact = malloc(len ? len : 1); /* without the NUL behind it, so that a sanitizer sees who reads on */
	if (exact) {
		memcpy(exact, text, len);
		(void)alarm(120);
		(void)LLVMFuzzerTestOneInput(exact, len);
	}
	OK(exact != NULL, name);
	free(exact);
}

static int plain_files(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* "…/fuzz-NAME.tap" has the corpus NAME. */
static char *corpus_of(const char *program)
{
	const char *srcdir = getenv("srcdir"), *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
	const char *from = strstr(name, "fuzz-");

	name = from ? from + 5 : name;
	return str_format("%s/tests/fuzz/corpus/%.*s", srcdir ? srcdir : ".", (int)strcspn(name, "."), name);
}

int main(int argc, char **argv)
{
	SR_AUTOFREE char *folder = corpus_of(argv[0]);
	struct dirent **entries;
	int n;

	for (int i = 1; i < argc; i++)
		replay(argv[i], argv[i]);
	if (argc > 1)
		return tap_done();
	n = scandir(folder, &entries, plain_files, alphasort);
	if (n < 0) {
		printf("Bail out! no corpus: %s: %s\n", folder, strerror(errno));
		return 1;
	}
	for (int i = 0; i < n; i++) {
		SR_AUTOFREE char *path = str_format("%s/%s", folder, entries[i]->d_name);

		replay(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return tap_done();
}
