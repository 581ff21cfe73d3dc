/* SPDX-License-Identifier: MIT */
#include "run/glob.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tap.h"

/* Walks the components of path as the collector does. */
static bool matches(const char *pattern, const char *path)
{
	char copy[512], *save = NULL;
	struct sr_glob g;
	sr_glob_state state;
	bool r;

	if (glob_parse(pattern, &g) < 0)
		return false;
	state = glob_start(&g);
	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *c = strtok_r(copy, "/", &save); c; c = strtok_r(NULL, "/", &save))
		state = glob_step(&g, state, c);
	r = glob_is_match(&g, state);
	glob_done(&g);
	return r;
}

static const struct {
	const char *pattern, *path;
	bool expected;
} cases[] = {
	{ "a.txt", "a.txt", true },
	{ "a.txt", "b.txt", false },
	{ "a.txt", "x/a.txt", false },
	{ "./a.txt", "a.txt", true },
	{ "x//a.txt", "x/a.txt", true },
	{ "*.png", "plot.png", true },
	{ "*.png", "plot.pn", false },
	{ "*.png", "out/plot.png", false },
	{ "out/*.png", "out/plot.png", true },
	{ "out/*.png", "out/deep/plot.png", false },
	{ "*", "a", true },
	{ "**", "a/b/c", true },
	{ "**/*.png", "a.png", true },
	{ "**/*.png", "x/y/a.png", true },
	{ "**/*.png", "x/y/a.pnf", false },
	{ "out/**/*.csv", "out/a.csv", true },
	{ "out/**/*.csv", "out/x/y/a.csv", true },
	{ "out/**/*.csv", "in/a.csv", false },
	{ "out/**", "out/x/y/z", true },
	{ "a**b", "axxb", true },
	{ "**/x/**/y", "1/x/2/3/y", true },
	{ "**/x/**/y", "1/2/3/y", false },
	{ "out", "out/x/y", true },
	{ "out/", "out/x", true },
	{ "out", "outer/x", false },
	{ ".", "a/b", true },
	{ "*", ".hidden", false },
	{ "**", "a/.hidden", false },
	{ "**", ".git/hooks/pre-commit", false },
	{ "out", "out/.git/hooks/x", false },
	{ "out", "out/.x", false },
	{ ".*", ".hidden", true },
	{ "?hidden", ".hidden", false },
	{ "[.]hidden", ".hidden", false },
	{ ".config/app", ".config/app", true },
	{ "out/.x/*", "out/.x/a", true },
	{ "out/.x/*", "out/.x/.a", false },
	{ "?", "a", true },
	{ "?", "ab", false },
	{ "?", "\xc3\xa4", true },
	{ "??", "\xc3\xa4", false },
	{ "?", "\xff", true },
	{ "??", "\xff\xfe", true },
	{ "?x", "\xe2\x82x", false }, /* a cut sequence is two odd bytes */
	{ "??x", "\xe2\x82x", true },
	{ "[abc]", "b", true },
	{ "[abc]", "d", false },
	{ "[a-c]x", "bx", true },
	{ "[!a-c]", "b", false },
	{ "[^a-c]", "d", true },
	{ "[]]", "]", true },
	{ "[!]]", "]", false },
	{ "[a-]", "-", true },
	{ "[\\]]", "]", true },
	{ "[abc", "[abc", true },
	{ "[", "[", true },
	{ "[\xc3\xa4-\xc3\xbc]", "\xc3\xb6", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "a\\", "a\\", true },
	{ "*a*b*c", "xaxbxc", true },
	{ "*a*b*c", "xaxcxb", false },
	{ "a\nb", "a\nb", true },
	{ "*", "a\nb\x1b[31m", true },
	{ "", "a", false },
};

static void test_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "case %zu: '%s' %s", i, cases[i].pattern,
			       cases[i].expected ? "matches" : "does not match");
		for (char *p = name; *p; p++) {
			if (*p == '\n' || *p == '#' || *p == '\\')
				*p = '_';
		}
		OK(matches(cases[i].pattern, cases[i].path) == cases[i].expected, name);
	}
}

static void test_refusals(void)
{
	char many[4 * SR_GLOB_MAX_COMPONENTS];
	struct sr_glob g;
	size_t n = 0;

	IS_INT(glob_parse("", &g), -EINVAL, "an empty pattern is refused");
	IS_INT(glob_parse("/work/a", &g), -EXDEV, "an absolute one");
	IS_INT(glob_parse("../a", &g), -EXDEV, "one that goes up");
	IS_INT(glob_parse("a/../../b", &g), -EXDEV, "one that goes up later");
	for (int i = 0; i <= SR_GLOB_MAX_COMPONENTS; i++) {
		many[n++] = 'a';
		many[n++] = '/';
	}
	many[n] = '\0';
	IS_INT(glob_parse(many, &g), -E2BIG, "one with too many components");
	many[2 * SR_GLOB_MAX_COMPONENTS] = '\0';
	IS_INT(glob_parse(many, &g), 0, "the most components that are taken");
	IS_INT(g.count, SR_GLOB_MAX_COMPONENTS, "all of them counted");
	glob_done(&g);
	IS_INT(glob_parse("a..b/...", &g), 0, "dots inside a name are no way up");
	OK(glob_is_literal(&g), "and it is literal");
	glob_done(&g);
	IS_INT(glob_parse("a/[b", &g), 0, "a bracket is taken");
	OK(!glob_is_literal(&g), "and counts as a wildcard");
	glob_done(&g);
}

/* The patterns that drive naive matchers into exponential time. */
static void test_no_trap(void)
{
	char name[256], pattern[200];
	clock_t start = clock();
	size_t n = 0;

	memset(name, 'a', 255);
	name[255] = '\0';
	for (int i = 0; i < 60; i++) {
		pattern[n++] = '*';
		pattern[n++] = 'a';
	}
	pattern[n++] = 'b';
	pattern[n] = '\0';
	for (int i = 0; i < 200; i++) {
		if (glob_match_name(pattern, name))
			break;
	}
	OK(!glob_match_name(pattern, name), "sixty stars do not match what they should not");
	OK((double)(clock() - start) / CLOCKS_PER_SEC < 2.0, "and take no time to find out");
}

int main(void)
{
	test_table();
	test_refusals();
	test_no_trap();
	return tap_done();
}
