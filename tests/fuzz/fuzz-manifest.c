/* SPDX-License-Identifier: MIT */
/* A project's sandrun.ini, as hostile as its code: whatever it says, no limit is above the user's and no bind is made. */
#include "policy/manifest.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static char folder[] = "/tmp/sandrun-fuzz-XXXXXX";

static void clean(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/" SR_MANIFEST_NAME, folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void put(const uint8_t *data, size_t size)
{
	static int dir = -1;
	int fd;

	if (dir < 0) {
		FUZZ_HOLDS(mkdtemp(folder));
		(void)atexit(clean);
		dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	fd = openat(dir, SR_MANIFEST_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void fit(const char *text)
{
	FUZZ_HOLDS(str_is_utf8(text, strlen(text)));
	for (; *text; text++)
		FUZZ_HOLDS((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_manifest m = { 0 };
	struct sr_policy p, before;
	int r;

	put(data, size);
	policy_init(&p);
	policy_init(&before);
	p.project_dir = strdup(folder);
	p.form = SR_FORM_SCRIPT;
	r = manifest_read(&p, &m, &err);
	if (r == 0)
		r = manifest_apply(&m, &p, &err);
	if (r < 0) {
		FUZZ_HOLDS(*err.text);
		fit(err.text);
		fit(err.hint);
	} else {
		for (int i = 0; i < SR_LIMIT_MAX; i++)
			FUZZ_HOLDS(policy_limit(&p, (enum sr_limit_id)i) <= policy_limit(&before, (enum sr_limit_id)i));
		FUZZ_HOLDS(p.binds.count == 0 && !p.output_dir && !p.output_archive && !p.report && !p.force && !p.no_strict &&
			   !p.attest_simulated);
	}
	manifest_done(&m);
	policy_done(&p);
	policy_done(&before);
	return 0;
}
