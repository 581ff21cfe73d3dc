#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What `sandrun environment build` says when it cannot, and that nothing half-made is left then.

load ../lib/common
load repository

setup_file() {
	require_user
	require_cmd gpg apt-get
	shared_environments -q base
}

setup() {
	own_store
}

@test "a definition that is not there, or near one that is" {
	sr environment build nlpp
	assert_error 125 "cannot build nlpp: there is no definition of that name" "hint: sandrun environment build nlp"
	sr environment build quite-something-else
	assert_error 125 "there are base, build, data-science"
	sr environment build Bad/Name
	assert_error 125
	assert_only
}

@test "what is wrong with a definition is told with file and line" {
	definition wrong 'basis = base'
	sr environment build wrong
	assert_error 125 "environments/wrong.ini:3: unknown key \"basis\" in [environment]" "[environment] takes description, base, profile"
	definition wrong '[extras]' 'x = y'
	sr environment build wrong
	assert_error 125 "wrong.ini:3: unknown section [extras]"
	definition wrong '[packages]' 'debian = hello --option'
	sr environment build wrong
	assert_error 125 "wrong.ini:4: --option is not the name of a package"
	definition wrong '[slim]' 'drop-paths = ../../etc'
	sr environment build wrong
	assert_error 125 "wrong.ini:4: ../../etc is no path below the root"
	definition wrong '[variables]' 'PATH = /tmp'
	sr environment build wrong
	assert_error 125 "wrong.ini:4: PATH cannot be set"
	printf '[environment]\nbase = base\n' >"$T/config/sandrun/environments/wrong.ini"
	sr environment build wrong
	assert_error 125 "it has no description"
	definition wrong 'base = base'
	chmod go+w "$T/config/sandrun/environments/wrong.ini"
	sr environment build wrong
	assert_error 125 "another user could change it" "hint: chmod go-w"
	assert_only
}

@test "a base that is missing, and bases in a circle" {
	definition one 'base = nowhere'
	sr environment build one
	assert_error 125 "one.ini:3: base = nowhere names no definition"
	definition one 'base = two'
	definition two 'base = one'
	sr environment build one
	assert_error 125 "two.ini:3: base = one leads back to itself"
	assert_only
}

@test "a mirror that cannot be reached" {
	definition mine 'base = base' '[packages]' 'debian = hello'
	sources 'deb [trusted=yes] http://127.0.0.1:9/debian ./'
	sr environment build mine
	assert_error 125 "cannot bring the lists of packages up to date for mine" "127.0.0.1:9" "hint: check the network, and the mirror"
	assert_equal "${#stderr_lines[@]}" 2
	assert_only
}

@test "a repository that another key signed, one that nobody signed, and one that was changed" {
	definition mine 'base = base' '[packages]' 'debian = sr-one'
	package sr-one </dev/null
	publish other
	sr environment build mine
	assert_error 125 "cannot bring the lists of packages up to date for mine" "hint: nothing of it is used; the keyring"
	assert_only
	publish
	rm "$T/repository/InRelease"
	sr environment build mine
	assert_error 125 "cannot bring the lists of packages up to date for mine" "hint: nothing of it is used"
	assert_only
	publish
	sed -i 's/^Origin: test/Origin: Debian/' "$T/repository/InRelease"
	sr environment build mine
	assert_error 125 "cannot bring the lists of packages up to date for mine" "hint: nothing of it is used"
	assert_only
	publish
	sr environment build -q mine
	assert_success
	assert_only mine
}

@test "a package that was changed behind the signature, on the mirror and in the cache" {
	definition mine 'base = base' '[packages]' 'debian = sr-one'
	package sr-one </dev/null
	publish
	cp "$T/repository/sr-one.deb" "$T/kept"
	printf 'more' >>"$T/repository/sr-one.deb"
	sr environment build mine
	assert_error 125 "for mine"
	assert_only
	cp "$T/kept" "$T/repository/sr-one.deb"
	sr environment build -q mine
	assert_success
	assert_only mine
	# one in the cache is looked at again, and fetched anew
	local cached
	cached=$(echo "$T"/cache/sandrun/debs/*.deb)
	assert_equal "$(cat "$cached" | cksum)" "$(cksum <"$T/kept")"
	printf 'bad!' | dd of="$cached" bs=1 seek=100 conv=notrunc status=none
	sr environment build -q --force mine
	assert_success
	assert_equal "$(cat "$cached" | cksum)" "$(cksum <"$T/kept")"
}

@test "a package that does not exist" {
	definition mine 'base = base' '[packages]' 'debian = sr-one sr-none'
	package sr-one </dev/null
	publish
	sr environment build mine
	assert_error 125 "cannot find the packages for mine: Unable to locate package sr-none" "environments/mine.ini names it"
	assert_only
}

@test "a package whose script fails: the log is kept and named" {
	definition mine 'base = base' '[packages]' 'debian = sr-bad'
	package sr-bad <<<$'#!/bin/sh\necho these are its last words; exit 7'
	publish
	sr environment build mine
	assert_error 125 "cannot configure the packages for mine: status 1: dpkg: error processing package sr-bad" \
		"hint: the log is $T/state/sandrun/builds/mine.log"
	assert_contains "$(cat "$T/state/sandrun/builds/mine.log")" "these are its last words"
	assert_only
}

@test "a check that fails keeps the environment out, and the one before in" {
	definition mine 'base = base' '[check]' 'sh = exit 0'
	sr environment build -q mine
	assert_success
	local before
	before=$(cat "$STORE/names/mine.ini")
	definition mine 'base = base' '[check]' 'sh = echo it is not so >&2; exit 3'
	sr environment build mine
	assert_error 125 "cannot build mine: its check in sh failed, status 3: it is not so"
	assert_equal "$(cat "$STORE/names/mine.ini")" "$before"
	sr environment check mine
	assert_status 1
	assert_output "mine: its check in sh failed, status 3: it is not so"
	sr environment check base
	assert_success
	sr environment check python
	assert_error 125 "hint: sandrun environment build python"
}

@test "a library that is missing" {
	definition mine 'base = base' '[packages]' 'debian = sr-elf'
	mkdir -p "$T/made/sr-elf/usr/bin"
	printf 'int far(void);\nint main(void) { return far(); }\n' >"$T/a.c"
	printf 'int far(void) { return 0; }\n' >"$T/b.c"
	gcc -shared -fPIC -Wl,-soname,libfar.so.7 -o "$T/libfar.so" "$T/b.c"
	gcc -o "$T/made/sr-elf/usr/bin/sr-elf" "$T/a.c" "$T/libfar.so"
	package sr-elf </dev/null
	publish
	sr environment build mine
	assert_error 125 "1 libraries are missing: libfar.so.7 (for usr/bin/sr-elf)" "hint: take their packages out of drop-packages"
	assert_only
	definition mine 'base = base' '[packages]' 'debian = sr-elf' '[slim]' 'missing-libraries = libfar.so.*'
	sr environment build -q mine
	assert_success
}

@test "a disk without room is told before anything is unpacked" {
	definition mine 'base = base' '[packages]' 'debian = sr-big'
	package sr-big "Installed-Size: 99999999999" </dev/null
	publish
	sr environment build mine
	assert_error 125 "prune"
	assert_only
}

@test "a limit on the size of files that is too low: an error, and nothing is left" {
	definition mine 'base = base' '[packages]' 'debian = sr-big'
	package sr-big <<<$'#!/bin/sh\nhead -c 3000000 /dev/zero >/usr/share/sr-big/big'
	publish
	try bash -c "ulimit -f 2000; exec '$SANDRUN' environment build mine"
	assert_error 125 "for mine"
	assert_only
	sr environment build -q mine
	assert_success
	assert_only mine
}

@test "a disk that runs full under dpkg: an error, and nothing is left" {
	definition mine 'base = base' '[packages]' 'debian = sr-big'
	package sr-big <<<$'#!/bin/sh\nhead -c 900000000 /dev/zero >/usr/share/sr-big/big'
	publish
	unshare -Ur -m true 2>/dev/null || skip "no tmpfs can be mounted here"
	# root of a user namespace mounts, and a second namespace gives the user back
	cat >"$T/full" <<-END
		set -e
		mkdir "$T/small"
		mount -t tmpfs -o size=450M tmpfs "$T/small"
		mkdir -m 700 "$T/small/sandrun"
		cp -a "$T/data/sandrun/images" "$T/small/sandrun/"
		export XDG_DATA_HOME=$T/small
		status=0
		unshare -U --map-user=$(id -u) --map-group=$(id -g) "$SANDRUN" environment build mine || status=\$?
		ls -A "$T/small/sandrun/images/work" "$T/small/sandrun/images/names"
		exit \$status
	END
	try unshare -Ur -m bash "$T/full"
	[[ $stderr != *"keeps no user attributes"* ]] || skip "a tmpfs of this kernel has no user attributes"
	assert_status 125
	# sandrun ends a build before the disk is full, a fast writer is there before it
	assert_match "$stderr" 'less than 256 MB left|No space left on device'
	assert_contains "$stderr" "hint: the disk is full"
	refute_contains "$output" mine.ini
}

@test "two builds of one name: the second waits, and finds it built" {
	definition mine 'base = base' '[packages]' 'debian = sr-slow'
	package sr-slow <<<$'#!/bin/sh\nsleep 3'
	publish
	sr_raw environment build mine >"$T/first" 2>&1 &
	local first=$!
	wait_for 30 test -e "$STORE/building/mine"
	wait_for 30 bash -c "! flock -n '$STORE/building/mine' true"
	sr environment build mine
	assert_success
	assert_contains "$stderr" "mine: another build of it is under way; waiting for it"
	assert_contains "$stderr" "mine: built already"
	wait "$first"
	assert_contains "$(cat "$T/first")" "mine: built"
	assert_only mine
}

# The build that is under way has come to a phase.
phase_is() {
	grep -q "$1" "$T/progress"
}

@test "Ctrl-C in the middle: nothing is left, and the status tells" {
	definition mine 'base = base' '[packages]' 'debian = sr-slow'
	package sr-slow <<<$'#!/bin/sh\nsleep 100'
	publish
	"$SANDRUN" environment build mine 2>"$T/progress" 3>&- & # not sr_raw: the signal is for sandrun itself
	local pid=$!
	wait_for 30 phase_is unpacked
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	assert_status 130
	assert_contains "$(cat "$T/progress")" "interrupted; nothing of it is left"
	assert_only
}

@test "SIGKILL at any moment: the store is whole, and the next build removes what was left" {
	definition mine 'base = base' '[packages]' 'debian = sr-slow'
	package sr-slow <<<$'#!/bin/sh\nsleep 0.5'
	publish
	local moment pid
	for moment in 0.05 0.3 0.6 0.9 1.2 1.6; do
		"$SANDRUN" environment build --force mine 2>/dev/null 3>&- &
		pid=$!
		sleep "$moment"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		sr environment digest base
		assert_success
		[ ! -e "$STORE/names/mine.ini" ] || { sr environment digest mine && assert_success; }
	done
	sr environment build -q --force mine
	assert_success
	assert_only mine
	sr environment digest mine
	assert_success
}
