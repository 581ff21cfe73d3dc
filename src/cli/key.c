/* SPDX-License-Identifier: MIT */
/*
 * sandrun key show|export|rotate: the identity key that signs certificates.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/xdg.h"
#include "cli/cli.h"
#include "cli/subcommand.h"
#include "evidence/identity.h"

static int usage(const struct sr_policy *p, const char *what)
{
	struct sr_error err = SR_ERROR_INIT;

	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot understand 'sandrun key %s'", what);
	sr_error_hint(&err, "sandrun key show [--json] | export [--ssh] | rotate --yes");
	message_error(p, &err);
	return err.status;
}

static int failed(const struct sr_policy *p, const struct sr_error *err)
{
	message_error(p, err);
	return err->status;
}

static int show(const struct cli_run *c, const struct sr_identity *id, bool json)
{
	SR_AUTOFREE char *path = NULL;
	char ssh[SR_PEM_BYTES];
	json_t *o;

	if (xdg_path(SR_XDG_DATA, SR_IDENTITY_PUBLIC, &path) < 0)
		path = strdup("");
	public_key_ssh(&id->public_key, ssh);
	if (!json) {
		(void)printf("identity  %s\nssh       %s\nfile      %s\n", id->id, ssh, path ? path : "");
		return message_flush(&c->policy, 0);
	}
	o = json_pack("{s:s, s:s, s:s}", "file", path, "keyId", id->id, "ssh", ssh);
	return message_json(&c->policy, "key", o, JSON_SORT_KEYS, 0);
}

static int export_key(const struct cli_run *c, const struct sr_identity *id, bool ssh)
{
	char text[SR_PEM_BYTES];

	if (ssh)
		public_key_ssh(&id->public_key, text);
	else
		public_key_pem(&id->public_key, text);
	(void)fputs(text, stdout);
	if (ssh)
		(void)putchar('\n');
	return message_flush(&c->policy, 0);
}

static int rotate(const struct cli_run *c, bool yes)
{
	struct sr_error err = SR_ERROR_INIT;
	struct sr_identity id = { .secret = NULL };
	char old[SR_DIGEST_HEX];

	if (!yes) {
		(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "key", "cannot replace the identity key without --yes: whoever trusts the old one must be given the new one");
		sr_error_hint(&err, "sandrun key rotate --yes");
		return failed(&c->policy, &err);
	}
	if (identity_rotate(&id, old, &err) < 0)
		return failed(&c->policy, &err);
	(void)printf("identity  %s\nretired   %s\n", id.id, old[0] ? old : "none");
	identity_done(&id);
	return message_flush(&c->policy, 0);
}

int key_main(int argc, char **argv, struct cli_run *c)
{
	const char *verb = argc > 1 ? argv[1] : "show";
	const char *option = argc > 2 ? argv[2] : NULL;
	struct sr_identity id = { .secret = NULL };
	struct sr_error err = SR_ERROR_INIT;
	bool made = false;
	int status;

	if (argc > 3)
		return usage(&c->policy, argv[3]);
	if ((strcmp(verb, "show") == 0 && option && strcmp(option, "--json") != 0) ||
	    (strcmp(verb, "export") == 0 && option && strcmp(option, "--ssh") != 0) ||
	    (strcmp(verb, "rotate") == 0 && option && strcmp(option, "--yes") != 0))
		return usage(&c->policy, option);
	if (sodium_start() < 0) {
		(void)sr_error_set(&err, SR_E_INTERNAL, ENOSYS, "key", "cannot start libsodium");
		return failed(&c->policy, &err);
	}
	if (strcmp(verb, "rotate") == 0)
		return rotate(c, option != NULL);
	if (strcmp(verb, "show") != 0 && strcmp(verb, "export") != 0)
		return usage(&c->policy, verb);
	if (identity_load(&id, &made, &err) < 0)
		return failed(&c->policy, &err);
	status = verb[0] == 's' ? show(c, &id, option != NULL) : export_key(c, &id, option != NULL);
	identity_done(&id);
	return status;
}
