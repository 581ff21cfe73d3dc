#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The user's config.ini: profile < config.ini < command line; what it hides; who may own it; --no-config.

load ../lib/common

setup() {
	cd "$T" || return 1
	umask 022
	export XDG_CONFIG_HOME=$T/config HOME=$T/home
	mkdir -p "$XDG_CONFIG_HOME/sandrun" home
	config=$XDG_CONFIG_HOME/sandrun/config.ini
}

write() {
	printf "$1" >"$config"
}

# After `sr`: status 125, one line that names the file, and a hint.
refused() {
	assert_error 125 "sandrun: config: cannot " "$config" "$@" || return 1
	[[ ${#stderr_lines[@]} -eq 2 && ${stderr_lines[1]} == "hint: "* ]] || sr_fail "not one line and a hint"
}

@test "profile < config.ini < command line, each marked in --explain and in the report" {
	sr --explain -- true
	refute_contains "$output" "config "
	assert_contains "$output" "memory.max = 512M (profile)"
	write '[limits]\nmemory.max = 1G\npids.max = 50\n[output]\nfiles.max = 3\n'
	sr --explain -p strict --pids 9 -- true
	assert_success
	assert_equal "${lines[0]}" "config      $config"
	assert_contains "$output" "memory.max = 1G (config)"
	assert_contains "$output" "pids.max = 9 (command-line)"
	assert_contains "$output" "files.max = 3 (config)"
	assert_contains "$output" "cpu.time = 30s (profile)"
	sr --report "$T/report.json" --pids 9 -- true
	assert_success
	assert_equal "$(report .config)" "$config"
	assert_equal "$(report '.limits["memory.max"] | .value + " " + .source')" "1G config"
	assert_equal "$(report '.limits["pids.max"] | .value + " " + .source')" "9 command-line"
}

@test "its limits hold, lower and higher than the profile's" {
	write '[rlimit]\nnofile = 99\n[limits]\nwall.time = 300ms\n'
	sr -- sh -c 'ulimit -n'
	assert_output 99
	sr -- sleep 20
	assert_status 124
	assert_contains "$stderr" "time limit 300ms reached"
	sr -t 10s -- sleep 0.5
	assert_success
	write '[rlimit]\nnofile = 400\n'
	sr -- sh -c 'ulimit -n'
	assert_output 400
	sr --nofile 30 -- sh -c 'ulimit -n'
	assert_output 30
}

@test "a time limit of its own holds on a terminal too" {
	require_cmd python3
	write '[limits]\nwall.time = 300ms\n'
	try timeout 20 python3 "$TESTS/lib/pty.py" <<'PYTHON'
t = Terminal([SANDRUN, "--", "sleep", "15"])
t.expect("time limit 300ms reached")
equal(t.wait(), 124)
PYTHON
	assert_success
}

@test "profile, strict, color, error-format, quiet" {
	mkdir "$XDG_CONFIG_HOME/sandrun/profiles"
	printf '[profile]\nextends = strict\n[limits]\npids.max = 33\n' >"$XDG_CONFIG_HOME/sandrun/profiles/mine.ini"
	write '[run]\nprofile = mine\nerror-format = json\nstrict = yes\n'
	sr --explain -- true
	assert_contains "$output" "seccomp     profile mine"
	assert_contains "$output" "pids.max = 33 (profile)"
	sr --explain -p default -- true
	assert_contains "$output" "seccomp     profile default"
	sr nosuch.py
	assert_status 127
	assert_equal "$(jq -r .code <<<"$stderr")" E_SCRIPT
	sr --nosuch
	assert_status 125
	assert_equal "$(jq -r .code <<<"$stderr")" E_OPTION
	sr --error-format text nosuch.py
	assert_contains "$stderr" "sandrun: script: cannot"
	write '[run]\nprofile = nosuch\n'
	sr -- true
	assert_error 125 'cannot find profile "nosuch"' "($config)"
}

@test "a name of an environment is never a folder of the current one; a path is absolute" {
	mkdir -p py/bin
	cp /bin/true py/bin/true
	sr -E py --explain -- true
	assert_success # control: on the command line it is that folder
	write '[run]\nenvironment = py\n'
	sr --explain -- true
	assert_error 125 "cannot find environment 'py'" "($config)"
	sr -E py --explain -- true
	assert_success
	mkdir -p home/images
	mv py home/images/
	write '[run]\nenvironment = ~/images/py\n'
	sr --explain -- true
	assert_success
	assert_contains "$output" "environment $T/home/images/py"
}

@test "output-dir is where outputs go, and no error where there are none" {
	write '[run]\noutput-dir = ~/out\n'
	sr -- true
	assert_success
	sr -o a.txt -- sh -c 'echo 1 >a.txt'
	assert_success
	assert_equal "$(cat home/out/a.txt)" 1
	[ ! -e a.txt ]
	sr -o a.txt -O here -- sh -c 'echo 2 >a.txt'
	assert_success
	assert_equal "$(cat here/a.txt)" 2
	sr -O here -- true # the command line's own slip is still one
	assert_error 125 "nothing is said to come out"
}

@test "hide: names and paths of a project stay outside; --show lifts them" {
	mkdir -p p/conf p/data
	echo s >p/conf/prod.yml
	echo t >p/conf/test.yml
	echo d >p/data/users.sqlite
	echo e >p/.env
	echo n >"p/my notes"
	write '[project]\nhide = *.sqlite conf/prod.yml ; secrets\n  "my notes"\n'
	sr -C p -- find . -type f
	assert_success
	assert_output ./conf/test.yml
	sr -C p --show users.sqlite --show conf/prod.yml -- sh -c 'cat data/users.sqlite conf/prod.yml'
	assert_output $'d\ns'
	sr -i p -- find p -type f # a folder that is taken in alone
	assert_output p/conf/test.yml
	sr --no-config -C p -- sh -c 'find . -type f | sort'
	assert_output $'./conf/prod.yml\n./conf/test.yml\n./data/users.sqlite\n./my notes'
	sr -C p --explain -- true
	assert_contains "$output" "data/users.sqlite was left out"
}

@test "--no-config, no file, no HOME" {
	write '[limits]\npids.max = 9\n'
	sr --no-config --explain -- true
	refute_contains "$output" "config "
	assert_contains "$output" "pids.max = 128"
	echo nonsense >"$config"
	sr --no-config -- true
	assert_success
	rm "$config"
	sr -- true
	assert_success
	sr_capture env -i PATH=/usr/bin:/bin "$SANDRUN" --explain -- true 3>&- </dev/null
	assert_success
	refute_contains "$output" "config "
	mkdir -p home/.config/sandrun
	printf '[limits]\npids.max = 8\n' >home/.config/sandrun/config.ini
	unset XDG_CONFIG_HOME
	sr --explain -- true
	assert_contains "$output" "pids.max = 8 (config)"
	XDG_CONFIG_HOME=config sr --explain -- true # a relative one is to be ignored
	assert_contains "$output" "pids.max = 8 (config)"
}

@test "no file costs one call that fails, and --help none" {
	require_cmd strace
	require_plain "its leak check does not work under strace"
	on_host strace -o "$T/probe" true
	strace -o trace "$SANDRUN" -- true 3>&- || true
	assert_equal "$(grep -c 'config\.ini' trace)" 1
	assert_contains "$(grep 'config\.ini' trace)" ENOENT
	strace -o trace "$SANDRUN" --help >/dev/null 3>&-
	assert_equal "$(grep -c 'config\.ini' trace)" 0
}

@test "a bad line is named by file and number" {
	local text want
	while IFS='|' read -r text want; do
		write "$text"
		sr -- true
		refused "$want"
	done <<'END'
[run]\nmemory = 1G\n|config.ini:2: memory is a limit
[run]\ninput = x\n|config.ini:2: input is about one run
[run]\nxyzzy = x\n|config.ini:2: unknown key "xyzzy" in [run]
[ran]\n|config.ini:1: unknown section [ran]
[run]\nprofile = ./x.ini\n|config.ini:2: profile is no absolute path
[run]\nquiet = yes\nquiet = no\n|config.ini:3: quiet in [run] a second time
[limits]\nmemory.max = lots\n|config.ini:2: memory.max does not take "lots"
[project]\nhide = ../x\n|config.ini:2: hide does not take "../x"
[run]\nprofile = \033[31m/\n|config.ini:2: profile is no absolute path
[run]\ncolor = \377\n|config.ini:2: bytes that are not UTF-8
[run]\ncolor = \0a\n|config.ini:2: a NUL byte
END
	assert_equal "$(tr -d -c '\033' <<<"$stderr" | wc -c)" 0
	{ printf '[project]\nhide = '; head -c 3000 /dev/zero | tr '\0' x; } >"$config"
	sr -- true
	refused "config.ini:2: a line of"
	head -c 3000000 /dev/zero | tr '\0' '\n' >"$config"
	sr -- true
	refused "too large"
}

@test "who may write it: the user, his own group, root; and it is a file" {
	write '[limits]\npids.max = 9\n'
	chmod 664 "$config"
	sr -- true
	assert_success
	chmod 646 "$config"
	sr -- true
	refused "everybody may write it" "chmod o-w" "--no-config"
	if [ "$(id -u)" = 0 ]; then
		chmod 644 "$config"
		chown 4321 "$config"
		sr -- true
		refused "it belongs to another user"
	else
		chmod 0 "$config"
		sr -- true
		refused "Permission denied"
	fi
	rm -f "$config"
	mkfifo "$config"
	try timeout 10 "$SANDRUN" -- true
	refused "not a regular file"
	rm "$config"
	printf '[limits]\npids.max = 7\n' >elsewhere.ini
	ln -s "$T/elsewhere.ini" "$config" # the user's own link is his to make
	sr --explain -- true
	assert_contains "$output" "pids.max = 7 (config)"
}
