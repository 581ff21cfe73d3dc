#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A project's sandrun.ini: `sandrun -C DIR` is enough; what it may say; what the command line overrules.
# That it never loosens anything is in tests/hostile/manifest.bats.

load ../lib/common

setup() {
	cd "$T" || return 1
	mkdir -p p/src p/data home
	export HOME=$T/home
	unset XDG_CONFIG_HOME
	cat >p/src/main.py <<'END'
import os, sys
print(sys.argv[1:], os.environ.get("GREETING"))
print(sorted(os.path.join(d, f)[6:] for d, _, fs in os.walk("/work") for f in fs))
END
	echo 'print("other", __import__("os").environ.get("GREETING"))' >p/other.py
	echo 1 >p/data/a.csv
	echo 2 >p/data/b.txt
}

write() {
	printf "$1" >p/sandrun.ini
}

refused() {
	assert_error 125 "sandrun: manifest: cannot " "$@" || return 1
	[[ ${#stderr_lines[@]} -eq 2 && ${stderr_lines[1]} == "hint: "* ]] || sr_fail "not one line and a hint"
}

@test "sandrun -C DIR runs the entrypoint with its args, variables and inputs" {
	write '[run]\nentrypoint = src/main.py\nargs = --name "Ada L."\n  two\ninputs = data/*.csv\nsetenv = GREETING=hi\n'
	sr -C p
	assert_success
	assert_equal "${lines[0]}" "['--name', 'Ada L.', 'two'] hi"
	assert_equal "${lines[1]}" "['data/a.csv', 'src/main.py']"
	sr -C p/ # the folder named another way
	assert_success
}

@test "the example in its folder" {
	cp -r "$TOP/examples/project" example
	sr -C example
	assert_success
	assert_output $'Hello, Ada!\nHello, Grace H.!'
	sr -C example main.py Bob
	assert_output "Hello, Bob!"
	sr -C example --explain
	assert_contains "$output" "manifest    example/sandrun.ini: entrypoint, args, inputs, timeout, memory"
	assert_contains "$output" "memory.max = 256M (sandrun.ini)"
}

@test "a script on the command line takes the place of entrypoint, args, inputs and variables; limits stay" {
	write '[run]\nentrypoint = src/main.py\nargs = one\ninputs = data\nsetenv = GREETING=hi\nnofile = 55\n'
	sr -C p other.py
	assert_success
	assert_output "other None"
	sr -C p src/main.py x # the entrypoint, with other arguments
	assert_equal "${lines[0]}" "['x'] hi"
	assert_equal "${lines[1]}" "['data/a.csv', 'data/b.txt', 'src/main.py']"
	sr -C p ./src//main.py
	assert_equal "${lines[0]}" "[] hi"
	sr -C p -- sh -c 'ulimit -n; ls; echo ${GREETING-none}'
	assert_output $'55\ndata\nother.py\nsandrun.ini\nsrc\nnone'
	sr -C p --lang sh -c 'ulimit -n'
	assert_output 55
	sr -C p --lang sh - <<<'ulimit -n'
	assert_output 55
	sr -C p --explain other.py
	assert_contains "$output" "manifest    p/sandrun.ini: nofile; not used: entrypoint, args, setenv, inputs"
}

@test "language names the interpreter of the entrypoint, --lang another" {
	echo 'echo shell "$1"' >p/tool
	write '[run]\nentrypoint = tool\nlanguage = sh\nargs = x\n'
	sr -C p
	assert_output "shell x"
	sr -C p tool y
	assert_output "shell y"
	sr -C p --lang bash --explain
	assert_contains "$output" "language    bash"
	write '[run]\nentrypoint = tool\nlanguage = klingon\n'
	sr -C p
	assert_error 125 "cannot use language 'klingon'"
}

@test "the stricter limit holds: manifest below the user's, user below the manifest's" {
	write '[run]\nentrypoint = other.py\nnofile = 44\ntimeout = 2m\npids = 20\n'
	sr -C p -- sh -c 'ulimit -n'
	assert_output 44
	sr -C p --nofile 33 -- sh -c 'ulimit -n'
	assert_output 33
	sr -C p --nofile 60 -- sh -c 'ulimit -n'
	assert_output 44
	sr -C p -t 300ms -- sleep 20
	assert_status 124
	write '[run]\ntimeout = 300ms\n'
	sr -C p -t 10s -- sleep 20
	assert_status 124
	assert_contains "$stderr" "time limit 300ms reached"
	sr -C p --report "$T/report.json" -- true
	assert_equal "$(report '.limits["wall.time"] | .value + " " + .source')" "300ms sandrun.ini"
	assert_equal "$(report .manifest.path)" p/sandrun.ini
	assert_equal "$(report '.manifest.used[]')" timeout
}

@test "a time limit of the project's holds on a terminal too" {
	require_cmd python3
	write '[run]\ntimeout = 300ms\n'
	try timeout 40 python3 "$TESTS/lib/pty.py" <<'PYTHON'
for more in [], ["-t", "10s"]:
    t = Terminal([SANDRUN, *more, "-C", "p", "--", "sleep", "15"])
    t.expect("time limit 300ms reached")
    equal(t.wait(), 124)
PYTHON
	assert_success
}

@test "a higher limit is an error with the option that gives it, and that option gives it" {
	write '[run]\nentrypoint = other.py\nmemory = 2G\n'
	sr -C p
	refused "p/sandrun.ini:3: memory = 2G needs the command line: the profile's 512M is stricter" "-m 2G"
	sr -C p -m 2G --explain
	assert_success
	assert_contains "$output" "memory.max = 2G (command-line)"
	sr -C p -m 3G --explain
	assert_contains "$output" "memory.max = 2G (sandrun.ini)"
	sr -C p -m 512M --explain
	assert_contains "$output" "memory.max = 512M (command-line)"
	assert_contains "$output" "not used: memory"
	mkdir -p home/.config/sandrun
	printf '[limits]\nmemory.max = 4G\n' >home/.config/sandrun/config.ini # the user's own default grants it as well
	sr -C p --explain
	assert_contains "$output" "memory.max = 2G (sandrun.ini)"
}

@test "a profile within the user's is taken, one that allows more is not" {
	local profiles=$HOME/.config/sandrun/profiles
	local code='import socket; socket.socket(socket.AF_INET)'
	mkdir -p "$profiles"
	printf '[profile]\nextends = default\n[seccomp]\ndeny = @sockets-inet\n[limits]\nmemory.max = 256M\n' >"$profiles/tight.ini"
	printf '[profile]\nextends = default\n[seccomp]\ndeny = @sockets-inet\n' >"$profiles/local.ini"
	printf '[profile]\nextends = default\n[limits]\nmemory.max = 4G\n' >"$profiles/big.ini"
	printf '[profile]\nextends = default\n[seccomp]\nallow = @debug\n' >"$profiles/debug.ini"
	write '[run]\nentrypoint = other.py\nprofile = tight\n'
	sr -C p
	assert_output "other None"
	sr -C p --explain
	assert_contains "$output" "seccomp     profile tight"
	assert_contains "$output" "memory.max = 256M (sandrun.ini)"
	sr -C p --explain -m 100M
	assert_contains "$output" "memory.max = 100M (command-line)"
	sr -C p --lang python -c "$code"
	assert_status 1
	sr -C p -p default --lang python -c "$code" # the command line has decided
	assert_success
	sr -C p -p default --explain
	assert_contains "$output" "seccomp     profile default"
	assert_contains "$output" "not used: profile"
	write '[run]\nentrypoint = other.py\nprofile = big\n'
	sr -C p
	refused "p/sandrun.ini:3: profile = big needs the command line: it allows more than default (memory.max)" "-p big"
	sr -C p -p big
	assert_success
	write '[run]\nentrypoint = other.py\nprofile = debug\n'
	sr -C p
	refused "profile = debug needs the command line: it allows more than default (system calls)"
	write '[run]\nentrypoint = other.py\nprofile = default\n'
	sr -C p
	assert_success
	printf '[run]\nprofile = local\n' >"$HOME/.config/sandrun/config.ini"
	sr -C p # a group that has no calls of its own counts as well
	refused "profile = default needs the command line: it allows more than local (system calls)"
	write '[run]\nentrypoint = other.py\nprofile = nosuch\n'
	sr -C p
	assert_error 125 'cannot find profile "nosuch" (p/sandrun.ini:3)'
}

@test "outputs come out where the command line or the configuration says, and nowhere without" {
	write '[run]\nentrypoint = out.py\noutputs = out/*.txt\n'
	echo 'import os; os.mkdir("out"); open("out/a.txt", "w").write("made")' >p/out.py
	sr -C p
	refused "p/sandrun.ini:3: outputs needs the command line" "-O"
	sr -C p -O results
	assert_success
	assert_equal "$(cat results/out/a.txt)" made
	sr -C p --output-archive r.tar.gz
	assert_success
	[ -s r.tar.gz ]
	sr -C p -o 'out/a.*' # the user's own wish, in his own folder
	assert_success
	assert_equal "$(cat out/a.txt)" made
	mkdir -p home/.config/sandrun
	printf '[run]\noutput-dir = ~/outputs\n' >home/.config/sandrun/config.ini
	sr -C p
	assert_success
	assert_equal "$(cat home/outputs/out/a.txt)" made
}

@test "inputs: what they name goes in, a slip is an error, a virtual environment in use goes along" {
	write '[run]\nentrypoint = src/main.py\ninputs = dat\n'
	sr -C p
	refused "'dat'" "inputs"
	write '[run]\nentrypoint = src/main.py\ninputs = sandrun.ini **/b.txt\n'
	sr -C p
	assert_contains "$output" "['data/b.txt', 'sandrun.ini', 'src/main.py']"
	mkdir -p p/.venv/bin
	echo 'home = /usr/bin' >p/.venv/pyvenv.cfg
	ln -s /usr/bin/python3 p/.venv/bin/python
	write '[run]\nentrypoint = src/main.py\ninputs = data\n'
	sr -C p
	assert_success
	assert_contains "$output" ".venv/pyvenv.cfg"
	refute_contains "$output" "other.py"
}

@test "a file that inputs leaves out and the program misses is named on a terminal" {
	require_cmd python3
	echo 'print("helped")' >p/src/helper.py
	echo 'import helper' >p/src/main.py
	write '[run]\nentrypoint = src/main.py\ninputs = data\n'
	try timeout 40 python3 "$TESTS/lib/pty.py" <<'PYTHON'
t = Terminal([SANDRUN, "-C", "p"])
t.expect("hint: helper is in the project, but `inputs` of p/sandrun.ini leaves it out")
equal(t.wait(), 1)
t = Terminal([SANDRUN, "-C", "p", "--no-manifest", "src/main.py"])
t.expect("helped")
equal(t.wait(), 0)
PYTHON
	assert_success
}

@test "no script and no entrypoint: the error shows both ways, and they work" {
	sr -C p
	assert_error 125 "no script is given, and p/sandrun.ini is not there" "sandrun -C p SCRIPT"
	cp p/other.py p/main.py
	sr -C p
	assert_error 125 "hint: sandrun -C p main.py; or once for all: printf '[run]\\nentrypoint = main.py\\n' >p/sandrun.ini"
	eval "${stderr_lines[1]##*once for all: }"
	sr -C p
	assert_success
	assert_output "other None"
	write '[run]\nmemory = 100M\n'
	sr -C p
	assert_error 125 "p/sandrun.ini has no entrypoint" "entrypoint = main.py"
	sr -C p --no-manifest
	assert_error 125 "p/sandrun.ini is ignored" "sandrun --no-manifest -C p main.py"
	sr -C nosuch
	assert_error 125 "cannot open project folder 'nosuch'"
	write '[run]\nentrypoint = gone.py\n'
	sr -C p
	refused "p/sandrun.ini:2: entrypoint = gone.py: there is no such file" "sandrun -C p SCRIPT"
	sr -C p other.py
	assert_success
}

@test "--no-manifest ignores it, without -C nobody reads it" {
	write 'nonsense\n'
	sr -C p other.py
	refused "p/sandrun.ini:1: neither"
	sr -C p --no-manifest other.py
	assert_success
	cd p
	sr other.py
	assert_success
	sr -i ../p -- true # a folder that is taken in is no project
	assert_success
}

@test "what is not understood is named by file and line" {
	local text want
	while IFS='|' read -r text want; do
		write "[run]\nentrypoint = other.py\n$text\n"
		sr -C p
		refused "p/sandrun.ini:3: $want"
	done <<'END'
xyzzy = 1|unknown key "xyzzy" in [run]
input = a|unknown key "input" in [run]
memory.max = 1M|unknown key "memory.max" in [run]
[limits]|unknown section [limits]
memory = lots|memory does not take "lots"
memory = 0|memory must not be 0
args = "a|args has a quote that does not end
entrypoint = src/main.py|entrypoint in [run] a second time
language = \377|bytes that are not UTF-8
language = \0x|a NUL byte
memory|neither [section] nor key = value
END
}

@test "a manifest of somebody else's, which everybody may write, is one all the same: it only tightens" {
	write '[run]\nentrypoint = other.py\n'
	chmod 666 p/sandrun.ini
	[ "$(id -u)" != 0 ] || chown 4321 p/sandrun.ini
	sr -C p
	assert_success
}
