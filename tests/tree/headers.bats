#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every header of ours can be the first include of a file, and can be included twice.

load ../lib/common

# Compiles nothing but the header; prints what the compiler says.
alone() {
	printf '#include "%s"\n#include "%s"\ntypedef int not_empty;\n' "$1" "$1" |
		"${CC:-gcc}" "${@:2}" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$TOP/src" -x c - 2>&1
}

# Programs of their own are dynamic ones, with libraries that the musl build does not have: $left_out is left out there.
all_alone() {
	local header text bad=
	while IFS= read -r header; do
		text=$(alone "${header#"$TOP"/src/}" "$@") || bad+="$header: $text"$'\n'
	done < <(find "$TOP/src" -name '*.h' ${left_out:+-not -path "$TOP/src/$left_out/*"})
	assert_equal "$bad" ""
}

@test "the check itself finds a header that needs another" {
	mkdir "$T/src" && echo 'static inline size_t f(void) { return 0; }' >"$T/src/bad.h"
	TOP=$T
	run alone bad.h
	[ "$status" -ne 0 ]
	assert_contains "$output" "size_t"
}

@test "headers stand alone" {
	[ "$(find "$TOP/src" -name '*.h' | wc -l)" -gt 10 ]
	all_alone $(pkg-config --cflags inih jansson libseccomp libsodium nettle libarchive 2>/dev/null)
}

@test "headers stand alone with musl" {
	[ -e "$BUILD/musl/static-pie.specs" ] || skip "not a musl build"
	left_out=environment
	all_alone "-specs=$BUILD/musl/static-pie.specs" -isystem "$BUILD/musl/include"
}
