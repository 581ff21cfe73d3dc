#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tree speaks of the project: no path of one developer's machine, no package host, no conflict marker, no leftovers.

load ../lib/common

# The tree's own text files; build trees inside it are not part of it.
text_files() {
	(cd "$TOP" && find . \( -path ./.git -o -path ./build -o -path ./_build -o -path ./_inst -o -path ./build-aux -o \
		-path ./autom4te.cache \) -prune -o -type f ! -name configure ! -name 'configure~' ! -name Makefile.in ! -name aclocal.m4 ! -name words.bats -print)
}

search() {
	(cd "$TOP" && text_files | tr '\n' '\0' | xargs -0 grep -HnIE "$@" 2>/dev/null || true)
}

@test "the check itself finds a word" {
	TOP=$T
	echo 'see /home/someone/x' >"$T/a.txt"
	assert_contains "$(search "/home/[a-z]")" "a.txt:1:"
}

@test "no paths of one machine" {
	assert_equal "$(search '/work/(main|shared)/|/farm/|/tmp/(b-|bash_jobs|brief)' | cut -c1-200)" ""
}

@test "no package hosts" {
	assert_equal "$(search '//[a-z.]*(npmjs|pypi|pythonhosted|rubygems|crates|debian)\.[a-z.]+/' | cut -c1-200)" ""
}

@test "no conflict markers and no notes to oneself" {
	assert_equal "$(search '^(<<<<<<<|>>>>>>>) |\b(FIXME|XXX|HACK)\b' | grep -v 'mktemp\|XXXXXX' | cut -c1-200)" ""
}

@test "every C source says its licence in the first line" {
	assert_equal "$(cd "$TOP" && find src tests/unit tests/probes bench -name '*.[ch]' ! -name '*-generated.*' \
		-exec sh -c 'for f; do head -n 1 "$f" | grep -q "SPDX-License-Identifier: MIT" || echo "$f"; done' sh {} +)" ""
}
