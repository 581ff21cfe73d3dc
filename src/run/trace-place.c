/* SPDX-License-Identifier: MIT */
#include "run/trace-place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/xdg.h"
#include "run/certstore.h"
#include "run/trace-record.h"

#define STAGE "trace"

static int cannot_write(const char *path, int r, struct sr_error *err)
{
	char shown[512];

	return sr_error_set(err, SR_E_CERTIFICATE, -r, STAGE, "cannot write the trace %s: %s",
			    str_escape(path ? path : "", shown, sizeof(shown)), strerror(-r));
}

/* Beside the file of --certificate. */
static int open_beside(struct sr_trace_place *t, const char *certificate, struct sr_error *err)
{
	SR_AUTOFREE char *dir = NULL;
	size_t len = strlen(certificate);
	char shown[400], *slash;
	struct stat st;

	if (stat(certificate, &st) == 0 && !S_ISREG(st.st_mode)) {
		(void)sr_error_set(err, SR_E_CERTIFICATE, EINVAL, STAGE, "cannot put a trace beside %s: it is no regular file",
				   str_escape(certificate, shown, sizeof(shown)));
		sr_error_hint(err, "give --certificate a file's name, or leave it out: both then go to the state folder");
		return -EINVAL;
	}
	if (str_has_suffix(certificate, SR_CERTSTORE_SUFFIX))
		len -= strlen(SR_CERTSTORE_SUFFIX);
	t->path = str_format("%.*s" SR_CERTSTORE_TRACE, (int)len, certificate);
	dir = t->path ? strdup(t->path) : NULL;
	slash = dir ? strrchr(dir, '/') : NULL;
	t->name = dir ? strdup(slash ? slash + 1 : dir) : NULL;
	if (!t->name)
		return sr_error_oom(err, STAGE);
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	t->dir_fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->dir_fd < 0 ? cannot_write(t->path, -errno, err) : 0;
}

static int open_in_state(struct sr_trace_place *t, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	SR_AUTOCLOSE int state_fd = -1;
	int r = xdg_open(SR_XDG_STATE, NULL, &state_fd, &path);

	if (r == 0)
		r = certstore_open(state_fd, &t->dir_fd);
	if (r == 0)
		return 0;
	(void)cannot_write(path ? path : "of this run", r, err);
	sr_error_hint(err, "--certificate FILE puts the certificate there, and the trace beside it");
	return r;
}

int trace_place_open(struct sr_trace_place *t, const struct sr_policy *p, struct sr_error *err)
{
	int r = p->certificate ? open_beside(t, p->certificate, err) : open_in_state(t, err);

	if (r < 0)
		return r;
	r = tracelog_open(&t->log, t->dir_fd);
	return r < 0 ? cannot_write(t->path ? t->path : SR_CERTSTORE_DIR, r, err) : 0;
}

json_t *trace_place_statement(struct sr_trace_place *t)
{
	if (!t->finished)
		tracelog_finish(&t->log, &t->result);
	t->finished = true;
	if (t->result.lines == 0 && t->result.dropped == 0)
		return json_null();
	return tracelog_statement(&t->result, sr_trace_coverage, sr_trace_mechanisms, sr_trace_races);
}

int trace_place_keep(struct sr_trace_place *t, const char *run_id, bool durable, struct sr_error *err)
{
	bool replace = t->name != NULL;
	int r;

	if (t->result.lines == 0)
		return 0;
	if (!t->name) {
		t->name = str_format("%s" SR_CERTSTORE_TRACE, run_id);
		t->path = t->name ? certstore_path(t->name) : NULL;
		if (!t->path)
			return sr_error_oom(err, STAGE);
	}
	r = tracelog_keep(&t->log, t->name, replace, durable);
	return r < 0 ? cannot_write(t->path, r, err) : 0;
}

void trace_place_done(struct sr_trace_place *t)
{
	tracelog_done(&t->log);
	fd_close(&t->dir_fd);
	free(t->name);
	free(t->path);
	t->name = t->path = NULL;
}
