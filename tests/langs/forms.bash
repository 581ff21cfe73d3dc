# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The same questions for every language. programs/main.EXT does the same in each: prints its arguments in angle
# brackets, a line that is not ASCII, the file beside.txt of its folder if it is there, standard input with "in: "
# before each line, and ends with status 7. The default limits hold, for compilers too. programs/boom.EXT prints
# "before" and fails at run time. A .bats file says which language it is and asks.
#
#   lang_is NAME EXT COMMAND...   NAME is sandrun's, EXT that of the programs, COMMAND runs a script outside
#   lang_is_compiled NAME EXT COMPILER...   COMPILER makes a program: COMPILER -o PROGRAM SOURCE
#
# The functions below are the tests; `outside` is what sandrun is compared with.

load ../lib/common

PROGRAMS=$TESTS/langs/programs
WORDS="grüße, 世界"

lang_is() {
	lang=$1 ext=$2
	shift 2
	outside=("$@")
	compiler=()
	require_cmd "${outside[0]}"
}

lang_is_compiled() {
	lang=$1 ext=$2
	shift 2
	compiler=("$@")
	outside=()
	require_cmd "${compiler[0]}"
}

lines() {
	printf '%s\n' "$@"
}

# A program's file under a name of the test's own: the language must come from the extension.
check_script() {
	cp "$PROGRAMS/main.$ext" "$T/tool.$ext"
	sr "$T/tool.$ext" one 'two  words' '' -x <<<$'first\nsecond'
	assert_status 7
	assert_output "$(lines '<one>' '<two  words>' '<>' '<-x>' "$WORDS" 'in: first' 'in: second')"
	assert_stderr ''
}

check_lang_of_a_file() {
	cp "$PROGRAMS/main.$ext" "$T/tool"
	sr --lang "$lang" "$T/tool" one </dev/null
	assert_status 7
	assert_output "$(lines '<one>' "$WORDS")"
	assert_stderr ''
}

check_shebang() {
	{
		printf '#!/usr/bin/env %s\n' "$1"
		cat "$PROGRAMS/main.$ext"
	} >"$T/tool"
	chmod 755 "$T/tool"
	sr "$T/tool" one </dev/null
	assert_status 7
	assert_output "$(lines '<one>' "$WORDS")"
	assert_stderr ''
}

# The program as it is fed to standard input. A shell reads it line by line, and what it runs reads on where it stands:
# there the program must not read.
stdin_program() {
	case $lang in
	bash | sh) sed '/^while /,/^done/d' "$PROGRAMS/main.$ext" ;;
	*) cat "$PROGRAMS/main.$ext" ;;
	esac
}

check_stdin() {
	sr --lang "$lang" < <(stdin_program)
	assert_status 7
	assert_output "$WORDS"
	assert_stderr ''
}

check_stdin_arguments() {
	sr --lang "$lang" - one 'two  words' -x < <(stdin_program)
	assert_status 7
	assert_output "$(lines '<one>' '<two  words>' '<-x>' "$WORDS")"
	assert_stderr ''
}

# Code is the program's text, but where the interpreter's own switch differs: php -r has no opening tag, and with node
# -e the arguments start one place earlier.
code_program() {
	case $lang in
	php) sed '1{/^<?php$/d}' "$PROGRAMS/main.$ext" ;;
	node) sed 's/argv\.slice(2)/argv.slice(1)/' "$PROGRAMS/main.$ext" ;;
	*) cat "$PROGRAMS/main.$ext" ;;
	esac
}

check_code() {
	sr --lang "$lang" -c "$(code_program)" one 'two  words' -x <<<$'first\nsecond'
	assert_status 7
	assert_output "$(lines '<one>' '<two  words>' '<-x>' "$WORDS" 'in: first' 'in: second')"
	assert_stderr ''
}

check_unicode_argument() {
	cp "$PROGRAMS/main.$ext" "$T/größe 世界.$ext"
	sr "$T/größe 世界.$ext" 'ä€𝄞' <<<'ñandú'
	assert_status 7
	assert_output "$(lines '<ä€𝄞>' "$WORDS" 'in: ñandú')"
	assert_stderr ''
}

check_file_beside() {
	echo 'näher' >"$T/beside.txt"
	cp "$PROGRAMS/main.$ext" "$T/tool.$ext"
	sr "$T/tool.$ext" </dev/null
	assert_output "$WORDS"
	sr -i "$T/beside.txt" "$T/tool.$ext" </dev/null
	assert_status 7
	assert_output "$(lines "$WORDS" 'beside: näher')"
	assert_stderr ''
}

# Runs boom.EXT outside in its own folder and inside; standard error must be the same bytes but for the folder's name.
# An interpreter may start its message with its own name, which depends on how it was called: that name is dropped on
# both sides.
check_runtime_error() {
	local rc=0 name
	mkdir "$T/outside"
	cp "$PROGRAMS/boom.$ext" "$T/outside/boom.$ext"
	cp "$PROGRAMS/boom.$ext" "$T/boom.$ext"
	if [ ${#compiler[@]} -gt 0 ]; then
		on_host "${compiler[@]}" -o "$T/outside/boom" "$T/outside/boom.$ext"
		outside=("$T/outside/boom")
	else
		outside+=("$T/outside/boom.$ext")
	fi
	(cd "$T/outside" && exec "${outside[@]}") >"$T/out.host" 2>"$T/err.host" </dev/null 3>&- || rc=$?
	[ "$rc" -ne 0 ] || sr_fail "boom.$ext does not fail outside"
	[ -s "$T/err.host" ] || sr_fail "boom.$ext says nothing outside"
	sed -i "s|$T/outside/|/work/|g" "$T/err.host"
	status=0
	sr_raw "$T/boom.$ext" >"$T/out" 2>"$T/err" </dev/null || status=$?
	name=$(basename "${outside[0]}")
	sed -i "1s|^\(/[^ ]*/\)\{0,1\}${name}[0-9.]*: ||" "$T/err.host" "$T/err"
	unset output
	diff -u "$T/err.host" "$T/err" >&2 || sr_fail "standard error differs"
	diff -u "$T/out.host" "$T/out" >&2 || sr_fail "standard output differs"
	assert_equal "$status" "$rc"
}

# A compiler's complaint, the same bytes but for the folder's name; nothing runs.
check_compile_error() {
	local rc=0
	mkdir "$T/outside"
	cp "$PROGRAMS/broken.$ext" "$T/outside/broken.$ext"
	cp "$PROGRAMS/broken.$ext" "$T/broken.$ext"
	(cd "$T/outside" && exec "${compiler[@]}" -o "$T/outside/broken" "$T/outside/broken.$ext") \
		2>"$T/err.host" 3>&- || rc=$?
	[ "$rc" -ne 0 ] || sr_fail "broken.$ext compiles outside"
	sed -i "s|$T/outside/|/work/|g" "$T/err.host"
	status=0
	sr_raw "$T/broken.$ext" >"$T/out" 2>"$T/err" </dev/null || status=$?
	unset output
	diff -u "$T/err.host" "$T/err" >&2 || sr_fail "standard error differs"
	[ ! -s "$T/out" ] || sr_fail "a program that does not compile printed something"
	assert_equal "$status" "$rc"
}
