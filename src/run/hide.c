/* SPDX-License-Identifier: MIT */
/* Which names of a folder stay outside: those that usually hold secrets, and those of the user's configuration (finding 9). */
#include <limits.h>
#include <string.h>

#include "run/glob.h"
#include "run/project.h"

/*
 * Names that usually hold keys, tokens or passwords. With a folder: only directly in a folder of that name. A name that
 * is a folder's keeps all of it out.
 */
static const struct {
	const char *folder;
	const char *name;
} secrets[] = {
	{ NULL, ".env*" },         { NULL, ".npmrc" },        { NULL, ".yarnrc*" },      { NULL, ".netrc" },
	{ NULL, "_netrc" },        { NULL, ".pypirc" },       { NULL, ".pgpass" },       { NULL, ".my.cnf" },
	{ NULL, ".htpasswd" },     { NULL, ".dockercfg" },    { NULL, ".boto" },         { NULL, ".s3cfg" },
	{ NULL, ".git-credentials" }, { NULL, ".vault-token" }, { NULL, ".terraformrc" }, { NULL, "*.tfstate" },
	{ NULL, ".ssh" },          { NULL, ".gnupg" },        { NULL, ".aws" },          { NULL, ".azure" },
	{ NULL, ".gcloud" },       { NULL, ".kube" },         { NULL, ".password-store" }, { NULL, ".*_history" },
	{ NULL, "*.pem" },         { NULL, "*.key" },         { NULL, "*.p12" },         { NULL, "*.pfx" },
	{ NULL, "*.jks" },         { NULL, "*.keystore" },    { NULL, "*.kdbx" },        { NULL, "*.ppk" },
	{ NULL, "id_rsa*" },       { NULL, "id_dsa*" },       { NULL, "id_ecdsa*" },     { NULL, "id_ed25519*" },
	{ ".git", "config" },      { ".git", "config.worktree" }, { ".git", "credentials" },
	{ ".docker", "config.json" }, { ".cargo", "credentials*" }, { ".gem", "credentials" }, { ".config", "gcloud" },
};

/* A submodule's or worktree's own configuration: remotes with tokens stand there as well. */
static bool is_git_module_config(const char *path, const char *name)
{
	static const char git[] = ".git/";

	if (strcmp(name, "config") != 0 && strcmp(name, "config.worktree") != 0)
		return false;
	for (const char *p = strstr(path, git); p; p = strstr(p + 1, git)) {
		const char *below = p + strlen(git);

		if ((p == path || p[-1] == '/') && (str_has_prefix(below, "modules/") || str_has_prefix(below, "worktrees/")))
			return true;
	}
	return false;
}

static bool is_secret(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *folder = path;
	size_t len = 0;

	if (slash) {
		for (const char *p = path; p < slash; p++) {
			if (*p == '/')
				folder = p + 1;
		}
		len = (size_t)(slash - folder);
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(secrets); i++) {
		const char *in = secrets[i].folder;

		if (in && (strlen(in) != len || memcmp(in, folder, len) != 0))
			continue;
		if (glob_match_name(secrets[i].name, name))
			return true;
	}
	return is_git_module_config(path, name);
}

/*
 * A pattern of the user's against the end of a path that lies component by component in `names`: a name alone fits at any
 * depth, a path from the top. Not run/glob.h, to which names with a dot are special: here nothing may slip through.
 */
static bool is_path_match(const char *pattern, const char *path)
{
	char want[NAME_MAX + 1], have[NAME_MAX + 1];
	size_t n = strcspn(pattern, "/"), k = strcspn(path, "/");

	if (n == 2 && strncmp(pattern, "**", n) == 0) {
		const char *rest = pattern + n + strspn(pattern + n, "/");

		return is_path_match(rest, path) || (*path && is_path_match(pattern, path + k + strspn(path + k, "/")));
	}
	if (n == 0 || k == 0)
		return n == k;
	if (n >= sizeof(want) || k >= sizeof(have))
		return false;
	memcpy(want, pattern, n);
	want[n] = '\0';
	memcpy(have, path, k);
	have[k] = '\0';
	return glob_match_name(want, have) &&
	       is_path_match(pattern + n + strspn(pattern + n, "/"), path + k + strspn(path + k, "/"));
}

bool project_is_hidden(const char *path, const struct sr_strv *hide)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; hide && i < hide->count; i++) {
		const char *pattern = hide->items[i], *end = strchr(pattern, '/');
		bool is_name = !end || !end[strspn(end, "/")]; /* "build/" is a name as well */

		if (is_path_match(pattern, is_name ? name : path))
			return true;
	}
	return is_secret(path);
}
