#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A hostile project's sandrun.ini (finding 26): it loosens nothing, reaches nothing outside, plants nothing, waits for nothing,
# and says nothing to the terminal or to a shell that a hint is pasted into.

load ../lib/common
load hostile

setup() {
	cd "$T" || return 1
	mkdir -p p home out root/bin
	export HOME=$T/home
	unset XDG_CONFIG_HOME
	echo 'print("ran")' >p/main.py
	canary "$T/secret" "outside $RANDOM"
	canary "$T/p/.env" "TOKEN=$RANDOM"
	canary "$T/victim" "as it was"
}

teardown() {
	stop_started
}

write() {
	printf '%b' "$1" >p/sandrun.ini
}

# A line for the manifest, the option that the error must name, and the option as the user would give it: refused without,
# and with it the run is the user's.
refused_until_granted() {
	local line=$1 named=$2
	shift 2
	write "[run]\nentrypoint = main.py\n$line\n"
	sr -C p
	assert_error 125 "p/sandrun.ini:3: " "needs the command line" "$named" || return 1
	sr -C p "$@"
	assert_success || return 1
	assert_output ran
}

@test "case 26: what would loosen is refused until the command line grants it" {
	refused_until_granted "bind = $T/secret:/secret" "--bind $T/secret:/secret" --bind "$T/secret:/secret"
	refused_until_granted "show = .env" "--show .env" --show .env
	refused_until_granted "inputs = main.py $T/secret" "-i $T/secret" -i "$T/secret"
	refused_until_granted "inputs = main.py ../secret" "-i PATH" -i "$T/secret"
	refused_until_granted "output-dir = $T/home" "-O $T/home" -O out -o x
	refused_until_granted "outputs = ../victim" "-o GLOB" -O out -o x
	refused_until_granted "outputs = .bashrc" "-o .bashrc" -O out -o x
	refused_until_granted "outputs = *" "-O" -O out
	refused_until_granted "setenv = SECRET_OF_MINE" "--setenv SECRET_OF_MINE" --setenv SECRET_OF_MINE=x
	refused_until_granted "setenv = LD_PRELOAD=/work/x.so" "--setenv" --setenv A=1
	refused_until_granted "memory = 2G" "-m 2G" -m 2G
	refused_until_granted "timeout = unlimited" "-t unlimited" -t unlimited
	refused_until_granted "pids = 9999" "--pids 9999" --pids 200
	refused_until_granted "cpu-max = 800%" "--cpu-max 800%" --cpu-max 800%
	refused_until_granted "profile = /tmp/p.ini" "-p /tmp/p.ini" -p default
	refused_until_granted "environment = $T/root" "-E $T/root" -E host
	refused_until_granted "force = yes" "--force" --force
	refused_until_granted "report = $T/victim" "--report $T/victim" --report "$T/r"
	assert_canaries
}

@test "case 26: a granted option is the user's, not the project's" {
	echo mine >mine
	write "[run]\nentrypoint = main.py\nbind = $T/secret:/shown\nshow = .env\n"
	echo 'import os; print(os.path.exists("/shown"), open("/mine").read().strip(), os.path.exists(".env"))' >p/main.py
	sr -C p --bind "$T/secret:/shown" --bind "$T/mine:/mine" --show .env
	assert_output "True mine True" # control: the user's words do reach that far
	sr -C p --bind "$T/mine:/mine" --show main.py
	assert_success
	assert_output "False mine False"
}

@test "case 26: an environment of the project's making is never the root, whatever folder has the name" {
	cp /bin/true root/bin/true
	cp -r root p/root
	sr -E root --explain -- true
	assert_success # control: to the user it is that folder
	write '[run]\nentrypoint = main.py\nenvironment = root\n'
	sr -C p
	assert_error 125 "cannot find environment 'root'" "(p/sandrun.ini:3)"
	cd p
	sr -C .
	assert_error 125 "cannot find environment 'root'"
	for name in . .. ./root ../root ~/root; do
		printf '[run]\nentrypoint = main.py\nenvironment = %s\n' "$name" >sandrun.ini
		sr -C .
		assert_error 125 "sandrun.ini:3"
	done
}

@test "case 26: a profile of the project's making is never read" {
	mkdir -p home/.config/sandrun/profiles
	printf '[profile]\nextends = default\n[seccomp]\nallow = @debug\n' >p/loose.ini
	sr -C p -p p/loose.ini main.py
	assert_output ran # control: to the user it is a profile
	cd p
	local name
	for name in loose loose.ini ./loose.ini ../p/loose.ini ../../profiles/x; do
		printf '[run]\nentrypoint = main.py\nprofile = %s\n' "$name" >sandrun.ini
		sr -C .
		assert_status 125
	done
}

@test "case 26: the entrypoint is a file of the folder, through no link" {
	ln -s "$T/secret" p/link
	ln -s "$T" p/up
	ln -s main.py p/inner.py
	mkfifo p/fifo
	sr -C p inner.py
	assert_output ran # control: the user may name a link that stays inside
	local entry
	for entry in link up/secret inner.py fifo . ../secret "$T/secret" '~/x' src/../../secret ''; do
		write "[run]\nentrypoint = $entry\n"
		try timeout 20 "$SANDRUN" -C p
		assert_error 125 "p/sandrun.ini:2: "
	done
	assert_canaries
}

@test "case 26: sandrun.ini that is a link, a FIFO, a folder, a device's name, 100 MB, endless" {
	ln -s "$T/good.ini" p/sandrun.ini
	printf '[run]\nentrypoint = main.py\n' >good.ini
	sr -C p
	assert_error 125 "it is a symbolic link" "--no-manifest"
	ln -sf /dev/zero p/sandrun.ini
	try timeout 20 "$SANDRUN" -C p main.py
	assert_error 125 "it is a symbolic link"
	rm p/sandrun.ini
	mkfifo p/sandrun.ini
	try timeout 20 "$SANDRUN" -C p main.py
	assert_error 125 "it is a FIFO"
	rm p/sandrun.ini
	mkdir p/sandrun.ini
	sr -C p main.py
	assert_error 125 "it is a folder"
	rmdir p/sandrun.ini
	truncate -s 100M p/sandrun.ini
	try timeout 20 "$SANDRUN" -C p main.py
	assert_error 125 "larger than 64K"
	rm p/sandrun.ini
	if [ "$(id -u)" != 0 ]; then
		write '[run]\n'
		chmod 0 p/sandrun.ini
		sr -C p main.py
		assert_error 125 "Permission denied"
		rm -f p/sandrun.ini
	fi
	cp good.ini p/sandrun.ini
	sr -C p
	assert_output ran
}

@test "case 26: what a terminal or a shell would obey stays text" {
	local hint
	write '[run]\nentrypoint = main.py\nbind = /x;$(touch victim2)\n'
	sr -C p
	assert_error 125 "bind needs the command line"
	refute_contains "$stderr" 'touch'
	write '[run]\n\\033]0;evil\\007 = 1\n'
	sr -C p main.py
	assert_error 125 "unknown key"
	write '[run]\nsetenv = "A\\033[2J"\nentrypoint = \\033[31m\n'
	sr -C p main.py
	assert_status 125
	write '[run]\nentrypoint = main.py\nargs = \\033[31m\nlanguage = python\n'
	sr -C p --explain
	assert_success
	assert_equal "$(tr -d -c '\033\007' <<<"$output$stderr" | wc -c)" 0
	mkdir 'q; touch victim2 #'
	sr -C 'q; touch victim2 #'
	assert_error 125 "no script is given"
	hint=${stderr_lines[1]}
	refute_contains "$hint" victim2
}

# A checker of the user's sees the whole project, in the user's own variables.
@test "case 26: a manifest hides nothing from a command of the user's, and changes nothing in how it works" {
	echo 'evil()' >p/evil.py
	write '[run]\nentrypoint = main.py\ninputs = main.py\nsetenv = GREP_OPTIONS=-v PYTHONPATH=/work\nlanguage = python\nargs = x\n'
	sr -C p -- sh -c 'grep -l evil *.py; echo ${PYTHONPATH-none} $#'
	assert_output $'evil.py\nnone 0'
	sr -C p --lang sh -c 'ls *.py'
	assert_output $'evil.py\nmain.py'
	sr -C p # control: its own program has it as it says
	assert_output ran
}

@test "case 26: outputs plant no settings and replace nothing" {
	cat >p/main.py <<'END'
import os
os.makedirs(".git/hooks", exist_ok=True)
for name in ".bashrc", ".git/hooks/pre-commit", "victim", "new":
    open(name, "w").write("planted")
END
	write '[run]\nentrypoint = main.py\noutputs = **\n'
	sr -C p -O .
	assert_error 125 "victim"
	assert_contains "$(ls -A)" victim
	[ ! -e .bashrc ] && [ ! -e .git ]
	sr -C p -O out
	assert_success
	assert_equal "$(cd out && find . -type f | sort)" $'./main.py\n./new\n./sandrun.ini\n./victim'
	assert_canaries
}

# The text that is obeyed and the text that goes in are one, or nothing runs.
@test "case 26: a sandrun.ini that is exchanged in a loop" {
	local i
	printf '[run]\nentrypoint = main.py\nnofile = 40\n' >a.ini
	printf '[run]\nentrypoint = main.py\nnofile = 50\n' >b.ini
	cat >p/main.py <<'END'
import resource
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
text = open("sandrun.ini").read()
print("one" if f"nofile = {limit}\n" in text else f"two: {limit} and {text!r}")
END
	cp a.ini p/sandrun.ini
	start swap bash -c 'echo up; while :; do cp a.ini p/.new; mv p/.new p/sandrun.ini; cp b.ini p/.new; mv p/.new p/sandrun.ini; done'
	for i in {1..40}; do
		try timeout 20 "$SANDRUN" -C p
		if [ "$status" = 0 ]; then
			assert_output one
		else
			assert_error 125 "changes while read"
		fi
	done
	stop_started
	sr -C p
	assert_output one
}

@test "case 26: the same with the file taken away and a link to a file outside put in its place" {
	local i
	printf '[run]\nentrypoint = main.py\n' >p/keep
	cp p/keep p/sandrun.ini
	printf '[limits]\n%s\n' "secret words" >outside.ini
	start swap bash -c 'echo up; while :; do rm -f p/sandrun.ini; ln -s ../outside.ini p/sandrun.ini; rm -f p/sandrun.ini; cp p/keep p/sandrun.ini; done'
	for i in {1..40}; do
		try timeout 20 "$SANDRUN" -C p main.py
		refute_contains "$stderr$output" "secret words"
		[ "$status" = 0 ] || [ "$status" = 125 ]
	done
	stop_started
	assert_canaries
}
