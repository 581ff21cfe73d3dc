/* SPDX-License-Identifier: MIT */
/*
 * sandrun doctor [--json] [--apparmor]: what this machine can do, one line a capability, each found out by trying.
 * Exit status: 0 all of it, 1 something is lost, 2 a plain run is refused; 125 doctor itself could not.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/apparmor-generated.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "run/mend.h"
#include "run/probe.h"

enum { HEALTHY = 0, DEGRADED = 1, CANNOT_RUN = 2 };

static int status_of(const struct sr_probes *p)
{
	int status = HEALTHY;

	for (int i = 0; i < SR_PROBE_MAX; i++) {
		if (p->row[i].state != SR_PROBE_OK)
			status = DEGRADED;
	}
	return p->row[SR_PROBE_RUN].state == SR_PROBE_OK ? status : CANNOT_RUN;
}

static void print_text(const struct sr_probes *p, FILE *to)
{
	static const char *const verdicts[] = {
		[HEALTHY] = "sandrun runs here, with all it can do",
		[DEGRADED] = "sandrun runs here; each line marked degraded says what is lost",
		[CANNOT_RUN] = "sandrun cannot run here; mend the first row that is missing, then look again",
	};

	for (int i = 0; i < SR_PROBE_MAX; i++) {
		const struct sr_probe_row *row = &p->row[i];

		(void)fprintf(to, "%-9s %-18s %s\n", probe_state_name(row->state), row->id, row->text);
		if (row->mend[0])
			(void)fprintf(to, "%28s  hint: %s\n", "", row->mend);
	}
	(void)fprintf(to, "%s\n", verdicts[status_of(p)]);
}

static int print_json(const struct sr_probes *p, FILE *to)
{
	json_t *rows = json_array(), *all;
	struct utsname u = { .release = "" };
	char release[128];
	int r;

	(void)uname(&u);
	for (int i = 0; i < SR_PROBE_MAX; i++) {
		const struct sr_probe_row *row = &p->row[i];
		json_t *mend = row->mend[0] ? json_string(row->mend) : json_null();

		(void)json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:s, s:o, s:b}", "id", row->id, "state",
							    probe_state_name(row->state), "tried", (int)row->tried, "text", row->text,
							    "mend", mend, "needsRoot", (int)mend_needs_root(row->mend)));
	}
	all = json_pack("{s:s, s:s, s:i, s:o}", "sandrun", SR_VERSION, "kernel", str_escape(u.release, release, sizeof(release)),
			"status", status_of(p), "capabilities", rows);
	if (!all)
		return -ENOMEM;
	r = json_dumpf(all, to, JSON_INDENT(2)) < 0 ? -EIO : 0;
	(void)fputc('\n', to);
	json_decref(all);
	return r;
}

/* The path of this very program, fit for a profile: AppArmor reads patterns, variables and quotes in it. */
static int own_path(char *out, size_t size, struct sr_error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-=:%~";
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char shown[256];

	if (n < 0) {
		(void)sr_error_set(err, SR_E_SETUP, errno, "doctor", "cannot find out where sandrun is: %s", strerror(errno));
		sr_error_hint(err, "%s", mend_text(MEND_PROC_MISSING));
		return -err->errnum;
	}
	out[n] = '\0';
	if (strspn(out, plain) == (size_t)n)
		return 0;
	(void)sr_error_set(err, SR_E_SETUP, EINVAL, "doctor", "cannot write an AppArmor profile for %s: its path has characters that mean "
			   "something there", str_escape(out, shown, sizeof(shown)));
	sr_error_hint(err, "install sandrun under a path of letters, digits and ._+- such as /usr/local/bin/sandrun");
	return -EINVAL;
}

static int print_apparmor(FILE *to, struct sr_error *err)
{
	static const char profile[] = SR_APPARMOR_PROFILE, mark[] = "@SANDRUN@";
	const char *at = strstr(profile, mark);
	char path[4096];
	int r = own_path(path, sizeof(path), err);

	if (!r && at)
		(void)fprintf(to, "%.*s%s%s", (int)(at - profile), profile, path, at + strlen(mark));
	return r;
}

static int usage(const struct cli_run *c, struct sr_error *err, const char *word)
{
	char shown[128];

	(void)sr_error_set(err, SR_E_OPTION, EINVAL, "options", "cannot use '%s': no such option of doctor",
			   str_escape(word, shown, sizeof(shown)));
	sr_error_hint(err, "sandrun doctor [--json | --apparmor]");
	message_error(&c->policy, err);
	return err->status;
}

static int write_failed(const struct cli_run *c, int r)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OUTPUT, -r, "output", "cannot write to standard output: %s", strerror(-r));
	message_error(&c->policy, &err);
	return err.status;
}

/* Printed in one piece, so that a full disk or a reader that left is seen for what it is. */
static int print_to_memory(struct sr_error *err, bool json, bool apparmor, char **ret_text, size_t *ret_len, int *ret_status)
{
	static struct sr_probes probes;
	FILE *to = open_memstream(ret_text, ret_len);
	int r = 0;

	if (!to)
		return sr_error_oom(err, "doctor");
	*ret_status = HEALTHY;
	if (apparmor) {
		r = print_apparmor(to, err);
	} else {
		probe_machine(&probes);
		*ret_status = status_of(&probes);
		if (json && print_json(&probes, to) < 0)
			r = sr_error_oom(err, "doctor");
		else if (!json)
			print_text(&probes, to);
	}
	if (fclose(to) != 0 && !r)
		r = sr_error_oom(err, "doctor");
	return r;
}

int doctor_main(int argc, char **argv, struct cli_run *c)
{
	SR_AUTOFREE char *text = NULL;
	bool json = false, apparmor = false;
	size_t len = 0;
	int status = 0, r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && !apparmor)
			json = true;
		else if (strcmp(argv[i], "--apparmor") == 0 && !json)
			apparmor = true;
		else
			return usage(c, &c->err, argv[i]);
	}
	if (print_to_memory(&c->err, json, apparmor, &text, &len, &status) < 0) {
		message_error(&c->policy, &c->err);
		return c->err.status;
	}
	r = io_write_full(1, text, len);
	return r < 0 ? write_failed(c, r) : status;
}
