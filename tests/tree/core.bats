#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The trusted core's budget: what runs between clone and exec stays small enough to be read in one sitting.

load ../lib/common

MAX_FUNCTIONS=40
MAX_LINES=900
MAX_STACK_BYTES=4096

# Names of the functions that files define.
function_names() {
	ctags --languages=C --langmap=C:.c.h --kinds-C=f -x "$@" | awk '{ print $1 }'
}

# Lines of code: no comments, no empty lines.
code_lines() {
	local f
	for f in "$@"; do
		gcc -fpreprocessed -dD -E -P "$f" 2>/dev/null
	done | grep -c .
}

# The inline wrappers of sys/kernel.h that the core uses.
wrappers() {
	local name
	for name in $(function_names "$TOP/src/sys/kernel.h"); do
		grep -qw "$name" "$TOP"/src/stage/*.c && echo "$name"
	done
}

@test "the core has at most $MAX_FUNCTIONS functions, wrappers of system calls apart" {
	require_cmd ctags
	local count
	count=$(function_names "$TOP"/src/stage/*.c | wc -l)
	echo "functions: $count"
	[ "$count" -gt 10 ]
	[ "$count" -le "$MAX_FUNCTIONS" ]
}

@test "the core has at most $MAX_LINES lines of code, wrappers included" {
	require_cmd ctags
	local own wrapped
	own=$(code_lines "$TOP"/src/stage/*.[ch])
	wrapped=$(code_lines "$TOP/src/sys/kernel.h")
	echo "lines: $own in stage, $wrapped in sys/kernel.h; wrappers: $(wrappers | tr '\n' ' ')"
	[ "$own" -gt 100 ]
	[ "$((own + wrapped))" -le "$MAX_LINES" ]
}

@test "a wrapper of a system call calls nothing but syscall" {
	local text
	text=$(printf '#include "sys/kernel.h"\n' | gcc -std=gnu17 -D_GNU_SOURCE -I"$TOP/src" -O2 -fkeep-inline-functions \
		-fkeep-static-functions -fno-stack-protector -x c -c -o "$T/kernel.o" - && nm -u "$T/kernel.o" | awk '{ print $NF }' | sort | tr '\n' ' ')
	assert_match "$text" '^(_GLOBAL_OFFSET_TABLE_ )?__errno_location syscall $'
}

# Outside symbols of object files that the list does not allow.
not_allowed() {
	comm -23 <(nm "$@" 2>/dev/null | awk '$(NF - 1) == "U" { print $NF }' | sort -u) \
		<({ grep -vE '^#|^$' "$TESTS/tree/core-symbols"; nm "$@" 2>/dev/null | awk '$(NF - 1) ~ /^[TDRBtdrb]$/ { print $NF }'; } | sort -u)
}

@test "the check of symbols finds malloc and printf" {
	printf '#include <stdio.h>\n#include <stdlib.h>\nvoid *f(void) { printf("%%d", 1); return malloc(7); }\n' |
		gcc -x c -c -o "$T/bad.o" -
	assert_equal "$(not_allowed "$T/bad.o" | tr '\n' ' ')" "malloc printf "
}

@test "the core uses only what the list allows" {
	[ -e "$BUILD/libstage.a" ]
	! nm "$BUILD/libstage.a" 2>/dev/null | grep -q __asan || skip "a build with sanitizers"
	assert_equal "$(not_allowed "$BUILD/libstage.a")" ""
}

@test "no function of the core needs more than $MAX_STACK_BYTES bytes of stack, or an unknown amount" {
	local f
	for f in "$TOP"/src/stage/*.c; do
		gcc -std=gnu17 -D_GNU_SOURCE -I"$TOP/src" -O2 -Wstack-usage=$MAX_STACK_BYTES -Wvla -Walloca -Werror -c -o "$T/x.o" "$f"
	done
}
