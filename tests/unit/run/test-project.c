/* SPDX-License-Identifier: MIT */
/* Which files of a project go in: hide of the configuration, inputs of a sandrun.ini, and that file itself. */
#include "run/project.h"

#include "taking.h"

static void build_secrets(void)
{
	tree_folder("p");
	tree_folder("p/conf");
	tree_folder("p/.ssh");
	tree_folder("p/.aws");
	tree_file("p/.env", "top");
	tree_file("p/conf/.env", "conf");
	tree_file("p/.ssh/known_hosts", "known");
	tree_file("p/.ssh/id_rsa", "key");
	tree_file("p/.aws/credentials", "aws");
}

static void test_hide(void)
{
	static const struct {
		const char *pattern, *path;
		bool hidden;
	} cases[] = {
		{ "*.sqlite", "a.sqlite", true },	  { "*.sqlite", "x/y/a.sqlite", true },
		{ "*.sqlite", "a.sqlite.txt", false },	  { "conf/prod.yml", "conf/prod.yml", true },
		{ "conf/prod.yml", "x/conf/prod.yml", false }, { "**/conf/prod.yml", "x/conf/prod.yml", true },
		{ "**/conf/prod.yml", "conf/prod.yml", true }, { "build/", "x/build", true },
		{ "conf/*", "conf/.hidden", true },	  { "*", ".git", true },
		{ "[a-c]?", "b1", true },		  { "a/**/z", "a/b/c/z", true },
		{ "a/**", "a/.b", true },		  { "a//b", "a/b", true },
		{ "a/b", "a", false },			  { "A", "a", false },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++) {
		struct sr_strv hide = { .items = NULL };
		char name[80];

		(void)snprintf(name, sizeof(name), "hide = %s %s %s", cases[i].pattern, cases[i].hidden ? "hides" : "does not hide", cases[i].path);
		tree_must(strv_add(&hide, cases[i].pattern) == 0, "memory");
		OK(project_is_hidden(cases[i].path, &hide) == cases[i].hidden, name);
		strv_done(&hide);
	}
	fresh();
	build_secrets();
	tree_file("p/conf/plain", "x");
	tree_file("p/keep", "x");
	tree_must(strv_add(&policy.hide, "conf") == 0, "memory");
	project("p");
	OK(take_in() == 0 && !tree_has("work/conf") && tree_has("work/keep") && !tree_has("work/.env"), "a hidden folder is out as a whole");
	fresh();
	build_secrets();
	tree_file("p/conf/plain", "x");
	tree_must(strv_add(&policy.hide, "conf") == 0, "memory");
	project("p");
	show("conf/plain");
	OK(take_in() == 0 && tree_has("work/conf/plain") && !tree_has("work/conf/.env"), "--show lifts it by name");
}

static void build_parts(void)
{
	tree_folder("p");
	tree_folder("p/src");
	tree_folder("p/src/deep");
	tree_folder("p/node_modules");
	tree_folder("p/data");
	tree_file("p/main.py", "print()");
	tree_file("p/src/a.py", "a");
	tree_file("p/src/deep/b.py", "b");
	tree_file("p/src/.dot", "dot");
	tree_file("p/src/.env", "secret");
	tree_file("p/node_modules/x.js", "x");
	tree_file("p/data/a.csv", "1");
	tree_file("p/data/a.txt", "1");
	tree_link("../main.py", "p/data/link.csv");
	project("p");
}

static void only(const char *pattern)
{
	tree_must(strv_add(&policy.only, pattern) == 0, "memory");
}

static void test_only(void)
{
	fresh();
	build_parts();
	only("src");
	only("data/*.csv");
	exec.entry = (char[]){ "main.py" };
	IS_INT(take_in(), 0, "parts of a project");
	OK(tree_has("work/main.py"), "the entry always goes in");
	OK(tree_has("work/src/a.py") && tree_has("work/src/deep/b.py"), "a folder goes in with what is in it");
	OK(!tree_has("work/src/.dot") && !tree_has("work/src/.env"), "but for names with a dot");
	OK(tree_has("work/data/a.csv") && tree_has("work/data/link.csv") && !tree_has("work/data/a.txt"), "a pattern in a folder");
	OK(!tree_has("work/node_modules"), "the rest stays outside, empty folders too");
	IS_INT(snap.project_files, 4, "and is not counted");
	fresh();
	build_parts();
	only("**/b.py");
	only("src/.dot");
	exec.entry = (char[]){ "src/a.py" };
	OK(take_in() == 0 && tree_has("work/src/a.py") && tree_has("work/src/deep/b.py") && tree_has("work/src/.dot") &&
		   !tree_has("work/main.py") && !tree_has("work/data"),
	   "folders above what goes in, a name with a dot by its name, an entry in a folder");
	fresh();
	build_parts();
	only("src");
	show(".env");
	OK(take_in() == 0 && tree_has("work/src/.env"), "--show is not undone");
	fresh();
	build_parts();
	only("src/**");
	only("src/.env");
	OK(take_in() == 0 && !tree_has("work/src/.env"), "a hidden name stays outside, asked for by the project or not");
	fresh();
	build_parts();
	only("src");
	only("nosuch/*");
	is_refused(take_in(), SR_E_MANIFEST, "'nosuch/*'", "a pattern that means nothing is an error");
	fresh();
	build_parts();
	only("../work");
	is_refused(take_in(), SR_E_MANIFEST, "'../work'", "and so is one that leads out");
	fresh();
	build_parts();
	policy.limits[SR_LIMIT_work_inodes].value = 8;
	only("data/a.csv");
	IS_INT(take_in(), 0, "what stays outside needs no room");
}

static void obey(const char *text)
{
	policy.manifest_text = strdup(text);
	policy.manifest_len = strlen(text);
}

/* sandrun.ini is obeyed before the project is copied: what goes in is what was obeyed. */
static void test_pinned(void)
{
	fresh();
	build_parts();
	tree_file("p/sandrun.ini", "[run]\n");
	obey("[run]\n");
	OK(take_in() == 0 && tree_has("work/sandrun.ini"), "the text that was obeyed goes in");
	fresh();
	build_parts();
	tree_file("p/sandrun.ini", "[run]\nmemory = 1M\n");
	obey("[run]\n");
	is_refused(take_in(), SR_E_INPUT_CHANGED, "sandrun.ini", "another one does not");
	fresh();
	build_parts();
	tree_file("p/sandrun.ini", "[run]\n");
	is_refused(take_in(), SR_E_INPUT_CHANGED, "it was not there just now", "nor one that nobody has read");
	fresh();
	build_parts();
	tree_file("p/sandrun.ini", "[run]\n");
	policy.no_manifest = true;
	OK(take_in() == 0 && tree_has("work/sandrun.ini"), "with --no-manifest it is a file like others");
	fresh();
	build_parts();
	tree_file("p/src/sandrun.ini", "[run]\n");
	OK(take_in() == 0 && tree_has("work/src/sandrun.ini"), "and so it is in folders below");
}

int main(void)
{
	tree_start();
	policy_init(&policy);
	snap = (struct sr_snapshot)SR_SNAPSHOT_INIT;
	test_hide();
	test_only();
	test_pinned();
	policy_done(&policy);
	snapshot_done(&snap);
	tree_end();
	return tap_done();
}
