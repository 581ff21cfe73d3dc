#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is not listed in a Makefile fragment is neither built nor tested nor in the release.

load ../lib/common

# Files below the folders whose path is in no fragment: by its full path, or by its path below the fragment's folder. The
# corpora of the fuzz targets, and that of scripts, are listed as one folder each.
unlisted() {
	local fragments f name
	fragments=$(cat "$TOP/Makefile.am" "$TOP"/*/Makemodule.am | tr -s ' \t\\' '\n')
	while IFS= read -r f; do
		name=${f#*/}
		[[ $name != fuzz/corpus/?*/?* ]] || name=fuzz/corpus
		[[ $name != corpus/?* ]] || name=corpus
		grep -qxF -e "$f" -e "%reldir%/$name" -e "%reldir%/${name%.c}" <<<"$fragments" || echo "$f"
	done
}

@test "the check itself finds a file that is not listed" {
	assert_equal "$(unlisted <<<src/base/nobody.c)" "src/base/nobody.c"
	assert_equal "$(unlisted <<<src/base/str.c)" ""
}

@test "every source is listed" {
	assert_equal "$(cd "$TOP" && find src -name '*.[ch]' -o -path 'src/*.def' | sort | unlisted)" ""
}

@test "every test, probe and helper of the tests is listed" {
	assert_equal "$(cd "$TOP" && find tests -type f ! -name Makemodule.am | sort | unlisted)" ""
}

@test "every profile, page, completion and example is listed" {
	local dirs=() d
	for d in profiles environments man completions examples bench apparmor; do
		[ ! -d "$TOP/$d" ] || dirs+=("$d")
	done
	assert_equal "$(cd "$TOP" && find "${dirs[@]}" -type f | sort | unlisted)" ""
}
