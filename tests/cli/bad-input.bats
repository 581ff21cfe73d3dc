#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What cannot be run: one line that says why, one that says what to do, status 125 to 127, nothing on standard output.

load ../lib/common

# After `sr`: the error's form. One message line, one hint line, no more.
assert_refused() {
	assert_error "$@" || return 1
	assert_match "${stderr_lines[0]}" '^sandrun: [a-z-]+: cannot ' || return 1
	assert_match "${stderr_lines[1]-}" '^hint: .' || return 1
	assert_equal "${#stderr_lines[@]}" 2
}

script() {
	printf '%b' "$2" >"$T/$1"
}

@test "no script at all" {
	sr
	assert_refused 125 "no script is given" "sandrun --help"
}

@test "a missing script" {
	sr "$T/absent.py"
	assert_refused 127 "absent.py': no such file"
	sr --lang python "$T/absent"
	assert_refused 127 "no such file"
	script a.py 'x'
	sr "$T/a.py/"
	assert_refused 127 "no such file"
}

@test "a missing script with a program's name" {
	cd "$T"
	sr ls
	assert_refused 127 "no such file" "sandrun -- ls"
}

@test "an unreadable script" {
	require_user
	script a.py 'print(1)'
	chmod 0 "$T/a.py"
	sr "$T/a.py"
	assert_refused 126 "Permission denied" "chmod"
}

@test "a folder as script" {
	mkdir "$T/folder"
	sr "$T/folder"
	assert_refused 126 "it is a folder" "sandrun -C"
	sr --lang python "$T/folder"
	assert_refused 126 "it is a folder"
}

@test "a FIFO, a socket, a device as script: nobody waits" {
	mkfifo "$T/fifo.py"
	sr "$T/fifo.py"
	assert_refused 126 "it is a pipe" "--lang LANG <"
	sr /dev/null
	assert_refused 126 "it is a device"
	sr --lang python /dev/zero
	assert_refused 126 "it is a device"
	sr --lang python <(echo 'print(1)')
	assert_refused 127 "no such file" "| sandrun --lang LANG"
}

@test "links in a circle" {
	ln -s circle "$T/circle"
	sr "$T/circle"
	assert_refused 126 "circle'" "in a circle"
}

@test "an empty program: file, standard input, code" {
	script empty.py ''
	sr "$T/empty.py"
	assert_refused 125 "the program is empty"
	sr --lang python </dev/null
	assert_refused 125 "standard input: the program is empty"
	sr --lang python -c ''
	assert_refused 125 "the program is empty"
}

@test "NUL bytes in a script and on standard input" {
	script a.py 'print(1)\0'
	sr "$T/a.py"
	assert_refused 125 "byte 9 is NUL"
	sr --lang python <"$T/a.py"
	assert_refused 125 "byte 9 is NUL"
	script a 'a\0b'
	sr "$T/a"
	assert_refused 125 "cannot tell the language"
	sr --lang sh "$T/a"
	assert_refused 125 "byte 2 is NUL"
}

@test "a byte order mark before the shebang" {
	script a '\xef\xbb\xbf#!/bin/sh\necho x\n'
	sr "$T/a"
	assert_refused 125 "byte order mark" "sed"
	sed -i '1s/^\xef\xbb\xbf//' "$T/a" # the mend
	sr "$T/a"
	assert_success
	assert_output x
}

@test "a shell script with CR LF" {
	script a '#!/bin/sh\r\necho x\r\n'
	sr "$T/a"
	assert_refused 125 "carriage return" "sed"
	sed -i 's/\r$//' "$T/a" # the mend
	sr "$T/a"
	assert_success
	assert_output x
}

@test "shebang lines that say nothing" {
	script a '#!\necho x\n'
	sr "$T/a"
	assert_refused 125 "no interpreter"
	script a '#!/usr/bin/env\n'
	sr "$T/a"
	assert_refused 125 "no interpreter"
	script a '#!/bin/s\0h\necho x\n'
	sr "$T/a"
	assert_refused 125 "a NUL byte"
	script a '#!/usr/bin/env python3 -u\n'
	sr "$T/a"
	assert_refused 125 "several words after env" "env -S"
	{ printf '#!/'; head -c 300 /dev/zero | tr '\0' a; echo; } >"$T/a"
	sr "$T/a"
	assert_refused 125 "more than 255 bytes"
}

@test "a shebang that names what the environment lacks" {
	script a '#!/usr/bin/python3.99\nprint(1)\n'
	sr "$T/a"
	assert_refused 127 "python3.99 not found in the environment 'host'" "near are: python3"
	script a '#!/opt/nowhere/zork\n'
	sr "$T/a"
	assert_refused 127 "its interpreter '/opt/nowhere/zork' is not found" "--lang"
	script a '#!/usr/bin/env zork\n'
	sr "$T/a"
	assert_refused 127 "its interpreter 'zork' is not found"
}

@test "a shebang's interpreter that is no program" {
	script a '#!/usr/bin\n'
	sr "$T/a"
	assert_refused 126 "no executable file"
}

@test "unknown language, extension and option" {
	script a.txt 'x'
	sr --lang pyton "$T/a.txt"
	assert_refused 125 "cannot use language 'pyton'" "known are: python"
	sr "$T/a.txt"
	assert_refused 125 "cannot tell the language of" "--lang LANG"
	sr --memroy 1G "$T/a.txt"
	assert_refused 125 "'--memroy': no such option" "did you mean --memory?"
	sr -Z
	assert_refused 125 "'-Z': no such option"
}

@test "options of later versions and their subcommands are refused, not ignored" {
	local word
	for word in --watch --watch-path --clear; do
		sr "$word" x
		assert_refused 125 "no such option"
	done
	for word in serve mcp worker completion; do
		sr "$word"
		assert_refused 125 "cannot run '$word': the subcommand is not in this version" "./$word"
	done
	cd "$T"
	script verify '#!/bin/sh\necho x\n'
	sr verify
	assert_status 125 # the subcommand's word wins, which then misses its operand
	sr ./verify
	assert_success
	assert_output x
}

@test "bad values name the option and what it takes" {
	script a.sh 'echo x'
	sr --memory 12x "$T/a.sh"
	assert_refused 125 "cannot use '--memory 12x': not a size" "512M"
	sr -t 5d "$T/a.sh"
	assert_refused 125 "cannot use '-t 5d': not a time" "10s"
	sr --pids -1 "$T/a.sh"
	assert_refused 125 "cannot use '--pids -1': not a number"
	sr -m 0 "$T/a.sh"
	assert_refused 125 "zero is no limit" "unlimited"
	sr --color blue "$T/a.sh"
	assert_refused 125 "auto|always|never"
	sr --memory
	assert_refused 125 "its value SIZE is missing"
	sr -o --force "$T/a.sh"
	assert_refused 125 "its value GLOB is missing"
	sr --force=yes "$T/a.sh"
	assert_refused 125 "takes no value"
	sr --setenv 'A B=1' "$T/a.sh"
	assert_refused 125 "not a variable's name"
}

@test "combinations that cannot mean what they say" {
	script a.sh 'echo x'
	sr -c 'echo x'
	assert_refused 125 "the language of the code is not given"
	sr -
	assert_refused 125 "the language of a program on standard input"
	sr -q -v "$T/a.sh"
	assert_refused 125 "opposite things"
	sr -O "$T/out" "$T/a.sh"
	assert_refused 125 "nothing is said to come out"
	[ ! -e "$T/out" ]
	sr -o x -O "$T/out" --output-archive "$T/a.tar.gz" "$T/a.sh"
	assert_refused 125 "one place"
	sr -o x --output-archive "$T/same" --report "$T/same" "$T/a.sh"
	assert_refused 125 "same file"
	[ ! -e "$T/same" ]
	sr --explain --report "$T/r.json" "$T/a.sh"
	assert_refused 125 "nothing runs"
	[ ! -e "$T/r.json" ]
	sr --show x "$T/a.sh"
	assert_refused 125 "there is none"
}

@test "a script of a gigabyte is refused without reading it" {
	require_plain "little address space"
	truncate -s 1G "$T/big.py"
	(ulimit -v 500000 && sr_raw "$T/big.py" 2>"$T/err" </dev/null) || status=$?
	assert_equal "$status" 125
	assert_contains "$(cat "$T/err")" "larger than 64M"
}

@test "a program without end on standard input" {
	sr --lang python </dev/zero
	assert_refused 125 "larger than 64M"
}

@test "commands that are not there or cannot be executed" {
	sr -- no-such-command
	assert_refused 127 "'no-such-command': not found in the environment 'host'"
	sr -- /usr/share
	assert_refused 126 "no executable file"
	sr -- "$T/tool"
	assert_refused 127 "not found"
	script tool '#!/bin/sh\n'
	sr -- "$T/tool"
	assert_refused 127 "it is a file of yours" "-i "
	sr -- ./tool
	assert_refused 127 "not found"
	sr -- ''
	assert_refused 127 "not found"
}

@test "a program of the caller's PATH outside the sandbox: the hint shows it" {
	mkdir -p "$T/inst/bin"
	script inst/bin/zorkprog '#!/bin/sh\necho ran\n'
	chmod 755 "$T/inst/bin/zorkprog"
	PATH=$T/inst/bin:$PATH sr -- zorkprog
	assert_refused 127 "not found in the environment" "--bind $T/inst -- $T/inst/bin/zorkprog"
}

@test "environments that are none" {
	script file 'x'
	mkdir "$T/empty"
	sr -E zork -- true
	assert_refused 125 "no such environment"
	sr -E "$T/absent" -- true
	assert_refused 125 "No such file"
	sr -E "$T/file" -- true
	assert_refused 125 "not a folder"
	sr -E "$T/empty" -- true
	assert_refused 125 "no /usr and no /bin" "-C"
	sr -E / -- true
	assert_refused 125 "own root"
}

@test "projects and entries that are none" {
	mkdir "$T/p" "$T/p/sub"
	script p/main.py 'print(1)'
	script outside.py 'print(1)'
	ln -s ../outside.py "$T/p/climb.py"
	sr -C "$T/absent" main.py
	assert_refused 125 "cannot open project folder"
	sr -C "$T/outside.py" main.py
	assert_refused 125 "not a folder"
	sr -C "$T/p"
	assert_refused 125 "no script is given"
	sr -C "$T/p" ../outside.py
	assert_refused 125 "not beneath the project folder"
	sr -C "$T/p" "$T/outside.py"
	assert_refused 125 "not beneath the project folder"
	sr -C "$T/p" climb.py
	assert_refused 127 "no such file"
	sr -C "$T/p" absent.py
	assert_refused 127 "no such file"
	sr -C "$T/p" sub
	assert_refused 126 "it is a folder"
	cd "$T"
	sr -C p p/main.py
	assert_refused 127 "no such file" "as seen from the project folder"
}

@test "nothing of a name reaches the terminal raw" {
	sr $'\033[31mred\007'
	assert_refused 127 '\x1b[31mred\x07'
	refute_contains "$stderr" $'\033'
	script x 'x'
	sr --lang $'\033[2J' "$T/x"
	assert_refused 125 '\x1b[2J'
	refute_contains "$stderr" $'\033'
	sr $'--\033[31m'
	assert_refused 125 '\x1b[31m'
	refute_contains "$stderr" $'\033'
	sr -- $'\xff\xfe'
	assert_refused 127 '\xff\xfe'
}

@test "errors as JSON, wherever the option stands" {
	require_cmd jq
	sr --error-format json --memory 12x a.py
	assert_status 125
	assert_output ''
	assert_equal "$(jq -r '.code + " " + .stage + " " + (.status | tostring)' <<<"$stderr")" "E_OPTION options 125"
	sr --memory 12x --error-format=json a.py
	assert_equal "$(jq -r .code <<<"$stderr")" E_OPTION
	sr --error-format json "$T/absent.py"
	assert_status 127
	assert_equal "$(jq -r '.code + " " + (.status | tostring)' <<<"$stderr")" "E_SCRIPT 127"
}
