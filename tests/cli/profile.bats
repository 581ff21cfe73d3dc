#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# -p NAME|FILE: limits and filters of a profile hold, extends, lookup; every bad profile is one line with its place.

load ../lib/common

setup() {
	cd "$T"
	umask 022
	export XDG_CONFIG_HOME=$T/config
	mkdir -p "$XDG_CONFIG_HOME/sandrun/profiles"
}

teardown() {
	[ -z "${installed-}" ] || rm -rf "$installed"
}

profile() {
	printf "$2" >"$1"
}

# refused NEEDLE...: after `sr`: status 125, one line and perhaps a hint, nothing ran
refused() {
	assert_error 125 "sandrun: profile: cannot " "$@" || return 1
	[ "${#stderr_lines[@]}" -eq 1 ] || [[ ${#stderr_lines[@]} -eq 2 && ${stderr_lines[1]} == "hint: "* ]] ||
		sr_fail "more than one line and a hint"
}

@test "limits of a file hold, those it leaves out are the built-in ones" {
	profile p.ini '[limits]\nwall.time = 300ms\n[rlimit]\nnofile = 17\n[filesystem]\nwork.size = 1M\n[output]\nstdio.max = 100\n[profile]\nextends = default\n'
	sr -p ./p.ini -- sh -c 'ulimit -n; head -c 3000000 /dev/zero 2>/dev/null >f; wc -c <f'
	assert_success
	assert_output $'17\n1048576'
	sr -p ./p.ini -- sleep 20
	assert_status 124
	assert_contains "$stderr" "time limit 300ms reached"
	# the limit is for files and terminals; the reader of a pipe limits it himself
	sr_raw -p ./p.ini -- sh -c 'yes | head -n 1000' >out 2>err && false
	assert_contains "$(cat err)" "output limit 100 reached"
	assert_equal "$(stat -c %s out)" 100
	sr -p ./p.ini -- sh -c 'yes | head -n 1000'
	assert_success
	sr -p ./p.ini --explain -- true
	assert_contains "$output" "limit       memory.max = 512M"
	assert_contains "$output" "limit       wall.time = 300ms"
	assert_contains "$output" "seccomp     profile ./p.ini"
}

@test "the command line wins over the profile" {
	profile p.ini '[profile]\nextends = default\n[limits]\nwall.time = 300ms\npids.max = 5\n'
	sr -p ./p.ini -t 10s --explain -- true
	assert_contains "$output" "wall.time = 10s"
	assert_contains "$output" "pids.max = 5"
	sr -p ./p.ini -t 10s -- sleep 0.5
	assert_success
}

@test "the report says what held" {
	profile p.ini '[profile]\nextends = strict\n[limits]\nmemory.max = 40M\n'
	sr -p ./p.ini --no-strict --report "$T/report.json" -- true
	assert_success
	assert_equal "$(report .profile)" ./p.ini
	assert_equal "$(report '.limits["memory.max"] | .value + " " + .source')" "40M profile"
	assert_equal "$(report '.limits["pids.max"].value')" 32
	assert_equal "$(jq .strict "$T/report.json")" false
}

@test "shipped profiles: default is the default, strict is half of it and knows no internet sockets" {
	sr --explain -- true
	local plain=$output
	sr -p default --explain -- true
	assert_output "$plain"
	sr -p strict --explain -- true
	assert_contains "$output" "memory.max = 256M"
	local code='import socket; socket.socket(socket.AF_INET)'
	sr --lang python -c "$code"
	assert_success
	sr -p strict --no-strict --lang python -c "$code"
	assert_status 1
	assert_contains "$stderr" "Error"
}

@test "calls that a profile allows and denies" {
	local code='import os
try:
    os.mkdir("d"); print("made")
except OSError as e:
    print(e.strerror)'
	profile deny.ini '[profile]\nextends = default\n[seccomp]\ndeny = mkdir mkdirat\n'
	sr -p ./deny.ini --lang python -c "$code"
	assert_success
	assert_output "Operation not permitted"
	profile few.ini '[seccomp]\nallow = @base @process\n'
	try timeout 20 "$SANDRUN" -p ./few.ini --lang python -c "$code"
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
	sr --lang python -c "$code"
	assert_output made
}

@test "a profile in which nothing could start is refused, not tried" {
	profile a.ini '[limits]\npids.max = 5\n'
	sr -p ./a.ini -- true
	refused "./a.ini" "it allows no system calls" "extends no profile" "hint: put two lines on top: [profile] and extends = default"
	profile a.ini '[limits]\npids.max = 5\n[seccomp]\nallow = @base\n'
	sr -p ./a.ini -- true
	refused "does not allow execve" "extends = default"
	profile a.ini '[profile]\nextends = default\n[seccomp]\ndeny = exit_group\n'
	sr -p ./a.ini -- true
	refused "does not allow exit_group"
}

@test "extends: a name, a file beside it, a chain, the user's own default" {
	profile a.ini '[limits]\npids.max = 9\nwall.time = 9s\n[profile]\nextends = default\n'
	mkdir sub
	profile sub/b.ini '[profile]\nextends = ../a.ini\n[limits]\nwall.time = 8s\n'
	sr -p sub/b.ini --explain -- true
	assert_contains "$output" "pids.max = 9"
	assert_contains "$output" "wall.time = 8s"
	profile "$XDG_CONFIG_HOME/sandrun/profiles/default.ini" '[profile]\nextends = default\n[limits]\npids.max = 11\n'
	sr --explain -- true
	assert_contains "$output" "pids.max = 11"
	assert_contains "$output" "memory.max = 512M"
	profile "$XDG_CONFIG_HOME/sandrun/profiles/mine.ini" '[profile]\nextends = strict\n[limits]\npids.max = 12\n'
	sr -p mine --explain -- true
	assert_contains "$output" "pids.max = 12"
	assert_contains "$output" "memory.max = 256M"
	assert_contains "$output" "seccomp     profile mine"
}

@test "a bad line is named by file and number" {
	local text want
	while IFS='|' read -r text want; do
		profile bad.ini "$text"
		sr -p ./bad.ini -- true
		refused "./bad.ini:" "$want"
	done <<'END'
[limits]\nmemory = 1G\n|bad.ini:2: unknown key "memory" in [limits]
[limit]\n|bad.ini:1: unknown section [limit]
\n; text\nmemory.max = 1G\n|bad.ini:3: key "memory.max" stands before the first section
[limits]\nmemory.max = lots\n|bad.ini:2: memory.max does not take "lots"
[limits]\nmemory.max = -1\n|bad.ini:2: memory.max
[limits]\nmemory.max = 99999999999G\n|bad.ini:2: memory.max
[limits]\nmemory.max = 0\n|bad.ini:2: memory.max must not be 0
[limits]\nwall.time = 5 s\n|bad.ini:2: wall.time does not take "5 s"
[limits]\nmemory.max = 1G\nmemory.max = 2G\n|bad.ini:3: memory.max in [limits] a second time
[limits]\nmemory.max\n|bad.ini:2: neither
[limits\nmemory.max = 1G\n|bad.ini:1: neither
[seccomp]\nallow = @nothing\n|bad.ini:2: unknown group "@nothing"
[seccomp]\nallow = frobnicate\n|bad.ini:2: unknown system call "frobnicate"
[seccomp]\nallow = mount\n|bad.ini:2: mount can never be allowed
[seccomp]\ndefault = EPERM\n|bad.ini:2: default must be ENOSYS
[network]\nmode = host\n|bad.ini:2: mode must be none
[profile]\nextends =\n|bad.ini:2: extends names no profile
[profile]\nstrict = maybe\n|bad.ini:2: strict does not take "maybe"
[profile]\nquiet =\n|bad.ini:2: quiet does not take ""
[profile]\nstrict = yes\nstrict = no\n|bad.ini:3: strict in [profile] a second time
[limits]\nstrict = yes\n|bad.ini:2: unknown key "strict" in [limits]
[limits]\n\033[31m = 1\n|bad.ini:2: unknown key
END
	assert_equal "$(tr -d -c '\033' <<<"$stderr" | wc -c)" 0
}

@test "a NUL, a line that is too long, a file that is too large, a binary" {
	printf '[limits]\nmemory.max = 1\0G\n' >bad.ini
	sr -p ./bad.ini -- true
	refused "./bad.ini:2: a NUL byte"
	{ echo '[profile]'; printf 'description = '; head -c 30000 /dev/zero | tr '\0' x; echo; } >bad.ini
	sr -p ./bad.ini -- true
	refused "./bad.ini:2: a line of"
	head -c 3000000 /dev/zero | tr '\0' '\n' >bad.ini
	sr -p ./bad.ini -- true
	refused "./bad.ini" "too large"
	cp /bin/true bad.ini
	chmod 644 bad.ini
	sr -p ./bad.ini -- true
	refused "./bad.ini:1:"
}

@test "loops of extends, and what they name is missing" {
	profile a.ini '[profile]\nextends = ./a.ini\n'
	sr -p ./a.ini -- true
	refused './a.ini:2: with "./a.ini" it extends itself'
	profile a.ini '\n[profile]\nextends = ./b.ini\n'
	profile b.ini '[profile]\ndescription = b\n\nextends = ./a.ini\n'
	sr -p ./a.ini -- true
	refused './b.ini:4: with "./a.ini" it extends itself'
	profile a.ini '[profile]\nextends = nosuch\n'
	sr -p ./a.ini -- true
	refused './a.ini:2: cannot find profile "nosuch"' "shipped profiles: default"
	profile a.ini '[profile]\nextends = ./gone.ini\n'
	sr -p ./a.ini -- true
	refused "./a.ini:2: cannot read profile ./gone.ini: No such file"
	profile gone.ini '[profile]\nextends = default\n'
	chmod 666 gone.ini
	sr -p ./a.ini -- true
	refused "./a.ini:2: cannot use profile ./gone.ini: everybody may write it" "hint: chmod o-w ./gone.ini"
	local i
	for i in {1..40}; do
		profile "n$i.ini" "[profile]\nextends = ./n$((i + 1)).ini\n"
	done
	sr -p ./n1.ini -- true
	refused "./n8.ini:2: more than 8 files extend each other"
}

@test "a wrong name in a list: the one that was perhaps meant" {
	profile a.ini '[profile]\nextends = default\n[seccomp]\ndeny = io_uring_enter mkdir\n  mkdirt\n'
	sr -p ./a.ini -- true
	refused './a.ini:5: unknown system call "mkdirt"' "hint: did you mean mkdir"
	profile a.ini '[profile]\nextends = default\n[seccomp]\nallow = @debugger\n'
	sr -p ./a.ini -- true
	refused './a.ini:4: unknown group "@debugger"' "hint: did you mean @debug?"
}

@test "names: not found with the list, no path by name, odd signs, a folder, a FIFO" {
	sr -p nosuch -- true
	refused 'cannot find profile "nosuch"' "default" "strict" "'/'"
	sr -p ./nosuch.ini -- true
	refused "nosuch.ini" "No such file"
	sr -p '..' -- true
	refused "cannot find profile"
	sr -p $'a\033b' -- true
	refused "cannot find profile"
	assert_equal "$(tr -d -c '\033' <<<"$stderr" | wc -c)" 0
	mkdir folder
	sr -p ./folder -- true
	refused "folder"
	mkfifo fifo
	try timeout 10 "$SANDRUN" -p ./fifo -- true
	refused "fifo" "not a regular file"
	sr -p '' -- true
	assert_error 125
}

@test "who may write it: the user, his own group, root; nobody else" {
	profile p.ini '[profile]\nextends = default\n'
	chmod 664 p.ini
	sr -p ./p.ini -- true
	assert_success
	chmod 646 p.ini
	sr -p ./p.ini -- true
	refused "everybody may write it" "chmod o-w ./p.ini"
	chmod 644 p.ini
	sr -p ./p.ini -- true
	assert_success
	profile "$XDG_CONFIG_HOME/sandrun/profiles/default.ini" '[limits]\npids.max = 11\n'
	chmod 666 "$XDG_CONFIG_HOME/sandrun/profiles/default.ini"
	sr -- true
	refused "everybody may write it"
}

@test "somebody else's file, a foreign group's, an unreadable one" {
	if [ "$(id -u)" = 0 ]; then
		profile p.ini '[profile]\nextends = default\n'
		chown 4321 p.ini
		sr -p ./p.ini -- true
		refused "it belongs to another user"
		chown 0:4321 p.ini
		chmod 664 p.ini
		sr -p ./p.ini -- true
		refused "a group that is not your primary one may write it"
		chmod 644 p.ini
		sr -p ./p.ini -- true
		assert_success
	else
		sr -p /proc/1/limits -- true # root's, regular, and no profile
		refused "/proc/1/limits"
		profile p.ini '[profile]\nextends = default\n'
		chmod 0 p.ini
		sr -p ./p.ini -- true
		refused "p.ini" "Permission denied"
	fi
}

# In a user namespace that maps one id alone, what belongs to root belongs to somebody else.
@test "somebody else's file, as an ordinary user" {
	require_user
	unshare --user --map-current-user true 2>/dev/null || skip "no unshare --map-current-user"
	local path
	for path in /etc/passwd /etc/os-release /etc/hosts; do
		[ ! -f "$path" ] || break
	done
	try unshare --user --map-current-user "$SANDRUN" -p "$path" -- true
	refused "cannot use profile $path: it belongs to another user" "hint: use a copy of your own: cp $path"
	# the control: the same file as root's own is read, and found to be no profile
	sr -p "$path" -- true
	refused "cannot read profile $path:1: "
}

# The folder of installed profiles is fixed when sandrun is built: in a copy of the program its name is exchanged.
@test "installed, and edited there: the edit is honoured" {
	require_cmd strings
	local shipped
	shipped=$(strings -a "$SANDRUN" 2>/dev/null | grep -m1 '/share/sandrun/profiles$') || skip "the program names no folder of profiles"
	# one of the same length
	installed=$(printf '/tmp/sr-%0*d' "$((${#shipped} - 8))" "$$")
	assert_equal "${#installed}" "${#shipped}"
	python3 - "$SANDRUN" "$T/sandrun" "$shipped" "$installed" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
old, new = (a.encode() + b"\0" for a in sys.argv[3:5])
assert data.count(old) >= 1
open(sys.argv[2], "wb").write(data.replace(old, new))
END
	chmod 755 "$T/sandrun"
	mkdir "$installed"
	cp "$TOP/profiles/"*.ini "$installed/"
	SANDRUN=$T/sandrun
	sr --explain -- true
	assert_contains "$output" "pids.max = 128"
	local before=$output
	sed -i 's/^pids.max = .*/pids.max = 13/; s/^allow = @base @signals/allow = @base/' "$installed/default.ini"
	sr --explain -- true
	assert_contains "$output" "pids.max = 13"
	sed -i 's/^pids.max = .*/pids.max = 13x/' "$installed/default.ini"
	sr --explain -- true
	refused "$installed/default.ini:" "pids.max"
	rm "$installed/default.ini"
	sr --explain -- true # the text that is compiled in
	assert_output "$before"
}
