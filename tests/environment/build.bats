#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `sandrun environment build`: base, python and ml-basic out of the distribution's packages, by an ordinary user; and small ones
# out of packages made here.

load ../lib/common
load repository

BATS_TEST_TIMEOUT=${SR_TEST_TIMEOUT:-400}

setup_file() {
	require_user
	require_cmd gpg apt-get
	shared_environments -q ml-basic
}

setup() {
	export XDG_DATA_HOME=$SHARED/data XDG_CACHE_HOME=$SHARED_ALL/cache
}

@test "the checks pass in the default profile, and what was built computes" {
	sr environment check base python ml-basic
	assert_success
	assert_output $'base: good\npython: good\nml-basic: good'
	sr -q -E ml-basic --lang python <<<'import numpy, pandas; print(numpy.linalg.det(numpy.diag([2., 3.])), pandas.Series([1, 2]).mean())'
	assert_success
	assert_output "6.0 1.5"
	sr -q -E base -- sh -c 'echo "$(id -u)" && command -v python3'
	assert_status 127
}

@test "ml-basic takes at most 250 MB over python" {
	local over
	over=$(("$("$SANDRUN" environment show --json ml-basic 3>&- | jq .bytes)" - "$("$SANDRUN" environment show --json python 3>&- | jq .bytes)"))
	[ "$over" -gt 100000000 ]
	[ "$over" -le 250000000 ] || sr_fail "$over bytes over python"
}

@test "every package keeps its licence; no manual, no log and no list of packages is left" {
	sr -q -E ml-basic -- sh -c '
		for p in $(dpkg-query -W -f "\${Package}\n"); do
			[ -s "/usr/share/doc/$p/copyright" ] || echo "no licence of $p"
		done
		dpkg-query -W -f "\${Status}\n" | grep -v "^install ok installed$"
		find /usr/share/man /usr/share/info /var/log /var/lib/apt/lists /var/cache/apt /debs -type f 2>/dev/null
		find /usr/share/doc -type f ! -name copyright
		ls /usr/sbin/policy-rc.d /etc/machine-id /var/lib/dpkg/*-old 2>/dev/null
		exit 0'
	assert_success
	assert_output ""
	sr -q -E ml-basic -- sh -c 'dpkg-query -W | wc -l'
	[ "$output" -gt 100 ]
}

@test "Python's files are compiled once and for all: unchecked, and none is missing" {
	sr -q -E ml-basic --lang python <<-'END'
		import glob, importlib.util, os
		seen = bad = missing = 0
		for root, dirs, files in os.walk("/usr/lib/python3/dist-packages"):
		    for f in files:
		        if not f.endswith(".py"):
		            continue
		        pyc = importlib.util.cache_from_source(os.path.join(root, f))
		        if not os.path.exists(pyc):
		            missing += 1
		        else:
		            seen += 1
		            bad += open(pyc, "rb").read(8)[4:] != b"\1\0\0\0"
		print(seen > 1000, bad, missing < 10)
	END
	assert_success
	assert_output "True 0 True"
}

@test "python built in another store has the same digest" {
	local first second
	first=$("$SANDRUN" environment show --json python 3>&- | jq -r .digest)
	export XDG_DATA_HOME=$T/data
	sr environment build -q python
	assert_success
	second=$("$SANDRUN" environment show --json python 3>&- | jq -r .digest)
	assert_match "$first" '^sha256:[0-9a-f]{64}$'
	assert_equal "$second" "$first"
	# and it is whole
	sr environment digest python
	assert_success
}

@test "a line a phase in a pipe, one line that changes on a terminal, nothing with -q" {
	own_store
	definition mine 'base = base' '[packages]' 'debian = sr-one'
	package sr-one </dev/null
	publish
	sr environment build mine
	assert_success
	assert_output ""
	assert_match "$stderr" 'mine: resolved 1 packages, [0-9.]+ s'
	assert_match "$stderr" 'mine: fetched [0-9.]+ k?B, [0-9.]+ s'
	assert_match "$stderr" 'mine: unpacked, '
	assert_match "$stderr" 'mine: built, [0-9.]+ k?B in [0-9]+ entries, [0-9.]+ s, layer sha256:[0-9a-f]{12}'
	refute_contains "$stderr" $'\r'
	sr environment build -q --force mine
	assert_success
	assert_stderr ""
	sr environment build mine
	assert_success
	assert_stderr "sandrun: environment: mine: built already; --force builds it again"
	try python3 "$TESTS/lib/pty.py" <<-'PYTHON'
		t = Terminal([SANDRUN, "environment", "build", "--force", "mine"])
		t.expect("\r\x1b[Kmine: unpacking, ")
		t.expect("mine: built, ")
		equal(t.wait(), 0)
		equal(b"mine: unpacked," in t.output, False)
	PYTHON
	assert_success
}

@test "another definition, or a base that was built anew, is built anew" {
	own_store
	definition low 'base = base' '[packages]' 'debian = sr-one'
	definition high 'base = low' '[variables]' 'GREETING = hello' '[check]' 'sh = test -e /usr/share/sr-one/hello'
	package sr-one </dev/null
	publish
	sr environment build -q high
	assert_success
	assert_only high low
	sr -q -E high -- sh -c 'echo "$GREETING"; cat /usr/share/sr-one/hello'
	assert_output $'hello\nhello'
	sr environment build high
	assert_contains "$stderr" "high: built already"
	definition low 'base = base' '[packages]' 'debian = sr-one' '[slim]' 'drop-paths = usr/share/sr-one/h*o'
	sr environment build low
	assert_success
	assert_contains "$stderr" "low: built, "
	# the check of high sees the low of now
	sr environment build high
	assert_error 125 "cannot build high: its check in sh failed, status 1"
	sr -q -E high -- cat /usr/share/sr-one/hello
	assert_output hello
	sr -q -E low -- ls /usr/share/sr-one
	assert_output ""
}

@test "what a definition drops takes along what only that needed, and comes back where a layer above names it" {
	own_store
	package sr-lib </dev/null
	package sr-big "Depends: sr-deep" </dev/null
	package sr-deep </dev/null
	package sr-app "Depends: sr-lib, sr-big (>= 1:1.0)" </dev/null
	package sr-more "Depends: sr-app, sr-big (= 1:1.0-1)" </dev/null
	publish
	definition low 'base = base' '[packages]' 'debian = sr-app' '[slim]' 'drop-packages = sr-big'
	definition middle 'base = low' '[packages]' 'debian = sr-more'
	definition high 'base = middle' '[packages]' 'debian = sr-big'
	sr environment build -q high
	assert_success
	sr -q -E low -- sh -c 'cd /usr/share; echo sr-*'
	assert_output "sr-app sr-lib"
	sr -q -E middle -- sh -c 'cd /usr/share; echo sr-*'
	assert_output "sr-app sr-lib sr-more"
	sr -q -E high -- sh -c 'cd /usr/share; echo sr-*; ls doc/sr-big'
	assert_output $'sr-app sr-big sr-deep sr-lib sr-more\ncopyright'
}

@test "a package's scripts are as shut in as any program: no network, no file of the host, no process of it" {
	own_store
	canary "$T/outside/canary"
	on_host cat "$T/outside/canary"
	mkdir -p "$T/data/secret"
	echo secret >"$T/data/secret/file"
	definition mine 'base = base' '[packages]' 'debian = sr-evil'
	package sr-evil <<-END
		#!/bin/sh
		exec >/var/lib/evil 2>&1
		cat "$T/outside/canary" 2>/dev/null && echo read a file of the host
		echo changed 2>/dev/null >"$T/outside/canary" && echo wrote a file of the host
		[ "\$(ls /sys/class/net 2>/dev/null | grep -v '^lo\$')" = "" ] || echo has a network
		kill -0 $$ 2>/dev/null && echo reached a process of the host
		echo x 2>/dev/null >/debs/x && echo wrote to the cache
		ls "$HOME" "$STORE" 2>/dev/null && echo saw a folder of the host
		mount -t tmpfs none /mnt 2>/dev/null && echo mounted
		chown 1000:1000 /usr/share/sr-evil/hello || echo chown failed
		chmod 4755 /usr/share/sr-evil/hello
		mkfifo /var/lib/pipe
		echo as it should be
	END
	publish
	sr environment build -q mine
	assert_success
	sr -q -E mine -- cat /var/lib/evil
	assert_output "as it should be"
	sr -q -E mine -- sh -c 'stat -c %a /usr/share/sr-evil/hello; test ! -e /var/lib/pipe && echo no pipe'
	assert_output $'755\nno pipe'
	assert_canaries
	assert_equal "$(cat "$T/data/secret/file")" secret
	sr environment digest mine
	assert_success
}

@test "[finish] runs inside; what holds for a base holds for what stands on it" {
	own_store
	definition low 'base = base' '[variables]' 'ONE = 1' 'TWO = 2' '[languages]' 'python = /opt/python' '[predict]' 'imports = low' \
		'[finish]' 'sh = echo "$(id -u)" >/finished' '  test -e /finished'
	definition high 'base = low' '[variables]' 'TWO = two' '[predict]' 'imports = high'
	sr environment build -q high
	assert_success
	sr -q -E high -- sh -c 'cat /finished; echo $ONE $TWO'
	assert_output $'0\n1 two'
	grep -q '^python = /opt/python$' "$STORE/names/high.ini"
	assert_equal "$(sed -n 's/^imports = //p' "$STORE/names/high.ini" | tr ' ' '\n' | sort | xargs)" "high low"
	definition low 'base = base' '[finish]' 'sh = echo nothing' '  false' '  touch /finished'
	sr environment build low
	assert_error 125 "cannot run [finish] for low: status 1"
	assert_only high low
}

@test "--list prints what can be built, the user's own in the place of shipped ones" {
	own_store
	definition mine 'base = base'
	definition nlp 'base = base'
	sr environment build --list
	assert_success
	assert_match "$output" $'(^|\n)mine +of a test(\n|$)'
	assert_match "$output" $'(^|\n)nlp +of a test(\n|$)'
	assert_match "$output" $'(^|\n)ml-basic +numpy, '
	assert_equal "$(grep -c '^nlp' <<<"$output")" 1
	sr environment build
	assert_error 125 "it needs a name"
}

@test "the shipped definitions can all be read, and each has a description, a check and a word for predictions or languages" {
	local f name
	export XDG_DATA_HOME=$T/data
	sr environment build --list
	assert_success
	assert_equal "${#lines[@]}" "$(ls "$TOP"/environments/*.ini | wc -l)"
	for f in "$TOP"/environments/*.ini; do
		name=${f##*/} name=${name%.ini}
		grep -q '^description = ' "$f"
		grep -q '^\[check\]' "$f"
		grep -qE '^\[(languages|predict)\]' "$f"
	done
	[ -n "$name" ]
}
