#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The forms of the command line, run: how a program reaches its interpreter and what it finds there.

load ../lib/common

@test "a script: language from the extension, arguments as they are" {
	echo 'import sys; print(sys.argv)' >"$T/a.py"
	sr "$T/a.py" one 'two  words' '' -x --memory
	assert_success
	assert_output "['/work/a.py', 'one', 'two  words', '', '-x', '--memory']"
}

@test "a script: language from the shebang, before the extension" {
	printf '#!/bin/sh\necho "sh $1"\n' >"$T/a.py"
	sr "$T/a.py" x
	assert_success
	assert_output "sh x"
}

@test "a shebang with one option, with env -S, and with an absolute path of another machine" {
	printf '#!/bin/bash -eu\nfalse\necho not reached\n' >"$T/one"
	sr "$T/one"
	assert_status 1
	assert_output ''
	printf '#!/usr/bin/env -S python3 -O -W ignore\nimport sys; print(sys.flags.optimize, sys.warnoptions)\n' >"$T/split"
	sr "$T/split"
	assert_success
	assert_output "1 ['ignore']"
	printf '#!/opt/nowhere/bin/python3\nprint("ran")\n' >"$T/far"
	sr "$T/far"
	assert_success
	assert_output "ran"
}

@test "a shebang that no language knows is started as the kernel would" {
	printf '#!/usr/bin/sed -nf\ns/a/b/p\n' >"$T/tool"
	sr "$T/tool" <<<'aaa'
	assert_success
	assert_output "baa"
	printf '#!/usr/bin/env -S GREETING=hi sh\necho "$GREETING"\n' >"$T/assign"
	sr "$T/assign"
	assert_success
	assert_output "hi"
}

@test "a shebang line that ends in CR LF works where the language reads such files" {
	printf '#!/usr/bin/env python3\r\nprint("ran")\r\n' >"$T/dos.py"
	sr "$T/dos.py"
	assert_success
	assert_output "ran"
}

@test "the script needs no execute permission and is read-only inside" {
	printf '#!/bin/sh\nls -l "$0" | cut -c1-10; echo x 2>/dev/null >>"$0" || echo kept\n' >"$T/a"
	chmod 644 "$T/a"
	sr "$T/a"
	assert_success
	assert_output $'-r-xr-xr-x\nkept'
	assert_equal "$(stat -c %a "$T/a")" 644
}

@test "names of scripts: a leading dash, blanks, glob signs, a path" {
	cd "$T"
	mkdir 'a b'
	echo 'import sys; print(sys.argv[0])' >'a b/x *?[y].py'
	cp 'a b/x *?[y].py' ./-x.py
	sr 'a b/x *?[y].py'
	assert_output '/work/x *?[y].py'
	sr ./-x.py
	assert_output '/work/-x.py'
	sr --lang python -- -x.py
	assert_output '/work/-x.py'
}

@test "a compiled program runs itself" {
	cp /usr/bin/expr "$T/prog"
	chmod 644 "$T/prog"
	sr "$T/prog" 6 '*' 7
	assert_success
	assert_output 42
}

@test "--lang wins over shebang, extension and mark" {
	printf '#!/bin/sh\nprint("python")\n' >"$T/a.rb"
	sr --lang python "$T/a.rb"
	assert_success
	assert_output "python"
	printf '\xef\xbb\xbf#!/bin/sh\nprint("python")\n' >"$T/bom"
	sr --lang py "$T/bom"
	assert_success
	assert_output "python"
}

@test "--lang and an operand: the first is the script, standard input stays data" {
	echo 'import sys; print(sys.argv[1:], sys.stdin.read())' >"$T/tool"
	sr --lang python "$T/tool" a <<<'data'
	assert_success
	assert_output "['a'] data"
}

@test "the program on standard input, without and with arguments" {
	sr --lang python <<<'import sys; print(sys.argv)'
	assert_output "['-']"
	sr --lang python - a -b <<<'import sys; print(sys.argv)'
	assert_output "['-', 'a', '-b']"
	sr --lang bash - a -b <<<'echo "$1 $2 $#"'
	assert_output "a -b 2"
	sr --lang sh - a <<<'echo "$1"; cat'
	assert_output "a"
}

@test "the program on standard input is read whole before it starts, from a slow writer too" {
	{ echo 'print("one")'; sleep 0.3; echo 'print("two")'; } | sr_raw --lang python >"$T/out"
	assert_equal "$(cat "$T/out")" $'one\ntwo'
}

@test "code on the command line: \$0, arguments, standard input" {
	sr --lang bash -c 'echo $0 $1' one
	assert_success
	assert_output "bash one"
	sr --lang sh -c 'echo $0 $1' one
	assert_output "sh one"
	sr --lang python -c 'import sys; print(sys.argv, sys.stdin.read())' a -b -- c <<<'data'
	assert_output "['-c', 'a', '-b', '--', 'c'] data"
	sr --lang python -c '--version' # looks like an option and is code
	assert_status 1
}

@test "code with every byte a shell could mangle" {
	sr --lang python -c $'print("""\'"\\n\t$HOME `x` ; | é 世""")'
	assert_success
	assert_output $'\'"\n\t$HOME `x` ; | é 世'
}

@test "a command, its arguments and standard input" {
	sr -- sort -n < <(printf '3\n1\n20\n')
	assert_success
	assert_output $'1\n3\n20'
	sr -- sh -c 'echo "$0 $#"' a b c
	assert_output "a 2"
	sr -- /bin/echo -- -n
	assert_output "-- -n"
	sr -- pwd
	assert_output "/work"
}

@test "an input that is a program" {
	printf '#!/bin/sh\necho "ran $1"\n' >"$T/tool"
	chmod 755 "$T/tool"
	sr -i "$T/tool" -- ./tool a
	assert_success
	assert_output "ran a"
	sr -i "$T/tool" -- /work/tool b
	assert_output "ran b"
	chmod 644 "$T/tool"
	sr -i "$T/tool" -- ./tool a
	assert_error 126
}

@test "a project folder: modules, data and the script by its path" {
	mkdir -p "$T/p/src"
	echo 'value = 42' >"$T/p/src/helper.py"
	echo 'import sys, os, helper; print(helper.value, sys.argv, os.getcwd(), open("data").read())' >"$T/p/src/main.py"
	printf 'text' >"$T/p/data"
	sr -C "$T/p" src/main.py a
	assert_success
	assert_output "42 ['/work/src/main.py', 'a'] /work text"
	sr -C "$T/p" ./src//main.py a
	assert_success
	sr -C "$T/p" "$T/p/src/main.py" a
	assert_success
	cd "$T/p"
	sr -C . src/main.py
	assert_success
}

@test "a command and code in a project folder" {
	mkdir "$T/p"
	echo 'value = 7' >"$T/p/helper.py"
	sr -C "$T/p" -- ls
	assert_success
	assert_output "helper.py"
	sr -C "$T/p" --lang python -c 'import helper; print(helper.value)'
	assert_success
	assert_output 7
}

@test "a project's .venv is used where its interpreter exists inside" {
	mkdir -p "$T/p/.venv/bin" "$T/p/.venv/lib"
	[ -x /usr/bin/python3 ] || skip "no /usr/bin/python3"
	ln -s /usr/bin/python3 "$T/p/.venv/bin/python"
	echo 'home = /usr/bin' >"$T/p/.venv/pyvenv.cfg"
	echo 'import sys, os; print(sys.prefix, os.environ.get("VIRTUAL_ENV"))' >"$T/p/main.py"
	sr -C "$T/p" main.py
	assert_success
	assert_output "/work/.venv /work/.venv"
	ln -sf /opt/nowhere/python "$T/p/.venv/bin/python"
	sr -C "$T/p" main.py
	assert_success
	assert_output "/usr None"
}

@test "compiled: C from a file, standard input and code; the compiler's status and words" {
	require_cmd gcc
	echo '#include <stdio.h>
int main(int c, char **v) { printf("%d %s\n", c, c > 1 ? v[1] : "-"); return 3; }' >"$T/a.c"
	sr "$T/a.c" x
	assert_status 3
	assert_output "2 x"
	sr --lang c - y <"$T/a.c"
	assert_status 3
	assert_output "2 y"
	sr --lang c -c "$(cat "$T/a.c")" z
	assert_status 3
	assert_output "2 z"
	echo 'int main(void) { return nothing; }' >"$T/b.c"
	sr "$T/b.c"
	assert_status 1
	assert_output ''
	assert_contains "$stderr" "/work/b.c:1:"
}

@test "environment variables: built from nothing" {
	sr_env() { env -i LD_PRELOAD= SECRET=1 PYTHONPATH=/x TERM=dumb TZ=UTC LC_TIME=C "$SANDRUN" "$@" 3>&- | sort; }
	assert_equal "$(sr_env -- env | grep -v '^_=')" "HOME=/work
LANG=C.UTF-8
LC_TIME=C
LOGNAME=sandbox
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SANDRUN=1
SHELL=/bin/sh
TERM=dumb
TMPDIR=/tmp
TZ=UTC
USER=sandbox"
}

@test "--setenv sets, replaces and passes" {
	SR_CALLER='a b' sr --setenv X=1 --setenv X=2 --setenv EMPTY= --setenv SR_CALLER --setenv HOME=/tmp -- \
		sh -c 'echo "$X|$EMPTY|$SR_CALLER|$HOME"'
	assert_success
	assert_output "2||a b|/tmp"
}

@test "explain and --explain print the plan and run nothing" {
	echo 'print("it" + "ran")' >"$T/a.py"
	sr --explain "$T/a.py" one
	assert_success
	refute_contains "$output" "itran"
	assert_contains "$output" "/work/a.py"
	local first=$output
	sr explain "$T/a.py" one
	assert_success
	assert_output "$first"
}

@test "the user's own language" {
	mkdir -p "$T/config/sandrun"
	printf '[upper]\nextension = up\ninterpreter = sed,-e,s/.*/\\U&/\nfile = %%i %%f\n' >"$T/config/sandrun/languages.ini"
	echo 'hello' >"$T/a.up"
	XDG_CONFIG_HOME=$T/config sr "$T/a.up"
	assert_success
	assert_output "HELLO"
	printf '[upper]\ninterpretr = sed\n' >"$T/config/sandrun/languages.ini"
	XDG_CONFIG_HOME=$T/config sr "$T/a.up"
	assert_error 125 "languages.ini:2:" "interpretr"
}

@test "a prompt on a terminal" {
	require_cmd script
	# An end of file that script types before sandrun listens would be lost; the word waits.
	printf 'print(6 * 7)\nexit()\n' | script -qec "'$SANDRUN' --lang python" "$T/typescript" >"$T/out" 2>&1 3>&- || true
	assert_contains "$(cat "$T/out")" "42"
	assert_contains "$(cat "$T/out")" ">>>"
}
