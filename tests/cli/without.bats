#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Older kernels, containers, strict machines and broken surroundings: with one thing taken away, sandrun goes on by its
# fallback or refuses with the documented code.

load ../lib/common
load ../lib/under

WITHOUT=$BUILD/tests/lib/without

setup() {
	require_user
	# The cache for the mask of /etc, and nothing of the user's own.
	export HOME=$T/home
	unset XDG_CACHE_HOME
	mkdir "$HOME" "$T/p" "$T/out"
	PLAIN=$SANDRUN
	echo 'import sys; print(sys.argv)' >"$T/a.py"
	echo 'value = 7' >"$T/p/helper.py"
	echo 'import helper; print(helper.value)' >"$T/p/main.py"
	echo 'some text' >"$T/data"
}

running() {
	pgrep -u "$(id -u)" -f "sleep $1" >/dev/null
}

not_running() {
	! running "$1"
}

# Started, then ended by a signal to sandrun; nothing stays.
ends_by() {
	local signal=$1 want=$2 nap=86${RANDOM}.$$ pid rc=0
	shift 2
	"$SANDRUN" "$@" -- sh -c "sleep $nap & sleep $nap" </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for 10 pgrep -u "$(id -u)" -f "^sleep $nap" >/dev/null || return 1 # not sandrun itself, which has it in its arguments
	kill -"$signal" "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc" "$want" || return 1
	wait_for 5 not_running "$nap"
}

# A representative part of the command line. Options go to each run.
forms() {
	sr "$@" "$T/a.py" one
	assert_success
	assert_output "['/work/a.py', 'one']"
	sr "$@" --lang sh - x <<<'echo "in $1"'
	assert_success
	assert_output "in x"
	sr "$@" --lang bash -c 'echo "$0 $1"; cat' one <<<'data'
	assert_success
	assert_output $'bash one\ndata'
	sr "$@" -- sort -n < <(printf '3\n1\n2\n')
	assert_success
	assert_output $'1\n2\n3'
	sr "$@" -C "$T/p" main.py
	assert_success
	assert_output 7
	sr "$@" -- sh -c 'head -c 300000 /dev/zero | tee /tmp/f | wc -c; ls -A /work; id -un; exit 3'
	assert_status 3
	assert_output $'300000\nsandbox'
	sr "$@" -- sh -c 'kill -9 $$'
	assert_status 137
	sr "$@" -t 300ms -- sleep 100
	assert_status 124
	sr "$@" --output-limit 1K -- sh -c 'yes | head -c 100000'
	assert_status 137
	[ "${#output}" -le 1024 ]
	ends_by TERM 143 "$@"
	ends_by KILL 137 "$@"
}

outputs() {
	rm -f "$T/out/"*
	sr "$@" -i "$T/data" -o '*.txt' -O "$T/out" -- sh -c 'tr a-z A-Z <data >upper.txt'
	assert_success
	assert_equal "$(cat "$T/out/upper.txt")" "SOME TEXT"
}

all_forms() {
	forms "$@"
	outputs "$@"
}

# refuses CODE STATUS HINT ARGS...: with that machine code, one line, and nothing started
refuses() {
	local code=$1 want=$2 hint=$3
	shift 3
	sr --error-format=json "$@"
	assert_status "$want"
	assert_output ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_equal "$(jq -r .code <<<"$stderr")" "$code"
	assert_contains "$(jq -r .hint <<<"$stderr")" "$hint"
}

# --- the wrapper itself -------------------------------------------------------------------------------------------------

# numbers as in without.c; a call with bad arguments fails, but never with the errno asked for
call_errno() {
	python3 -c 'import ctypes, errno, sys
c = ctypes.CDLL(None, use_errno=True)
c.syscall(int(sys.argv[1]), -1, -1, -1, -1, -1, -1)
print(errno.errorcode.get(ctypes.get_errno(), "none"))' "$1"
}
export -f call_errno

@test "the wrapper takes away what it says, and only that" {
	local name number
	while read -r name number; do
		[ "$(call_errno "$number")" != ENOSYS ] || skip "this kernel lacks $name"
		assert_equal "$("$WITHOUT" "$name=ENOSYS" -- bash -c "call_errno $number")" ENOSYS
		assert_equal "$("$WITHOUT" "$name=EPERM" -- bash -c "call_errno $number")" EPERM
	done <<<'openat2 437
close_range 436
clone3 435
mount_setattr 442
landlock_create_ruleset 444
pidfd_open 434
pidfd_send_signal 424'
	on_host unshare -U true
	try "$WITHOUT" userns -- unshare -U true
	assert_status 1
	on_host unshare -Urpf --mount-proc true
	try "$WITHOUT" null:/proc/keys -- unshare -Urpf --mount-proc true
	assert_status 1
	assert_contains "$stderr" "/proc"
	try "$WITHOUT" readonly:/dev/shm -- touch "/dev/shm/sandrun-$$"
	assert_status 1
	assert_contains "$stderr" "Read-only"
	try "$WITHOUT" nosuch=ENOSYS -- true
	assert_status 2
}

# --- system calls ---------------------------------------------------------------------------------------------------------

@test "without openat2" {
	without openat2=ENOSYS
	all_forms
}

@test "without openat2: links in a project and in outputs are still not followed" {
	without openat2=ENOSYS
	canary "$T/secret/key"
	ln -s "$T/secret" "$T/p/way"
	sr -C "$T/p" -- cat way/key
	assert_status 1
	mkdir "$T/elsewhere"
	ln -s "$T/elsewhere" "$T/out/sub"
	sr -o 'sub/*' -O "$T/out" -- sh -c 'mkdir sub; echo x >sub/f'
	assert_equal "$(ls -A "$T/elsewhere")" ""
	assert_canaries
}

@test "without close_range, by an old kernel and by a filter" {
	without close_range=ENOSYS
	all_forms
	without close_range=EPERM
	all_forms
}

@test "without clone3, by an old kernel and by a filter" {
	without clone3=ENOSYS
	all_forms
	without clone3=EPERM
	all_forms
}

@test "without Landlock: runs, says so in the report; --strict refuses" {
	without landlock=ENOSYS
	all_forms
	sr --report "$T/report.json" -- true
	assert_success
	assert_equal "$(report .enforced.landlockAbi)" 0
	assert_equal "$(report '.notes[] | select(.what == "landlock") | .degraded')" true
	sr --strict -m unlimited --pids unlimited --cpu-time unlimited --cpu-max unlimited -- true
	assert_error 125 "Landlock"
	SANDRUN=$PLAIN
	sr --report "$T/report.json" -- true
	[ "$(report .enforced.landlockAbi)" -gt 0 ] || skip "this kernel has no Landlock"
}

@test "without mount_setattr: only single files by --bind need it, and are refused" {
	without mount_setattr=ENOSYS
	all_forms
	mkdir "$T/folder"
	cp "$T/data" "$T/folder"
	sr --bind "$T/folder:/folder" -- cat /folder/data
	assert_success
	refuses E_MOUNT 125 "" --bind "$T/data:/data" -- cat /data
	SANDRUN=$PLAIN
	sr --bind "$T/data:/data" -- cat /data
	assert_output "some text"
}

@test "without pidfds: also where a run is refused late, nothing hangs" {
	without pidfd_open=ENOSYS pidfd_send_signal=ENOSYS pidfd_getfd=ENOSYS
	all_forms
	try timeout 20 "$SANDRUN" --strict -m 64M -- true
	[ "$status" -ne 124 ]
}

@test "without the calls that copy quickly" {
	without memfd_create=ENOSYS copy_file_range=ENOSYS splice=ENOSYS tee=ENOSYS sendfile=ENOSYS statx=ENOSYS
	all_forms
	without memfd_create=EPERM copy_file_range=EPERM splice=EPERM tee=EPERM sendfile=EPERM statx=EPERM
	all_forms
}

@test "without getrandom, mknodat, setxattr" {
	without getrandom=ENOSYS
	sr "$T/a.py"
	assert_match "$status" '^(0|125)$'
	[ "$status" = 0 ] || assert_contains "$stderr" "sandrun: "
	without mknodat=EPERM # whiteouts of the mask of /etc, and mount points
	sr -- true
	assert_match "$status" '^(0|125)$'
	without setxattr=EPERM
	all_forms
}

@test "a filter that forbids user namespaces, as Docker's: E_USERNS_DENIED with a mend" {
	without userns
	refuses E_USERNS_DENIED 125 " " "$T/a.py"
	refuses E_USERNS_DENIED 125 " " -- true
	sr --explain "$T/a.py" # needs none
	assert_success
	sr --report "$T/report.json" -- true
	assert_error 125 "cannot make the sandbox's namespaces"
	assert_equal "$(report .outcome)" setup-failed
	assert_equal "$(report .error.code)" E_USERNS_DENIED
}

@test "filters that forbid what no sandbox can do without are refused, each with its code" {
	without mount=EPERM
	refuses E_MOUNT 125 "" "$T/a.py"
	without pivot_root=EPERM
	refuses E_MOUNT 125 "" "$T/a.py"
	without seccomp=ENOSYS
	refuses E_SECCOMP 125 "" "$T/a.py"
	without sethostname=EPERM
	refuses E_NAMESPACE 125 "" "$T/a.py"
	without signalfd4=EPERM
	refuses E_SETUP 125 "" "$T/a.py"
}

# --- mounts of containers -------------------------------------------------------------------------------------------------

@test "a masked /proc, as Docker's: E_PROC, the hint names --proc none, and that works" {
	without null:/proc/keys
	refuses E_PROC 125 "--proc none" "$T/a.py"
	all_forms --proc none
	sr --proc none -- ls -A /proc
	assert_success
	assert_output ''
	sr --proc none --report "$T/report.json" -- true
	assert_success
}

@test "a read-only /proc/sys, as Docker's: ceilings cannot be lowered, which is noted and --strict refuses" {
	without readonly:/proc/sys
	refuses E_PROC 125 "--proc none" -- true
	sr --proc none --report "$T/report.json" -- true
	assert_success
	assert_contains "$(report '.notes[] | select(.what == "user-sysctl") | .text')" "max_user_namespaces"
	sr --proc none --strict -m unlimited --pids unlimited --cpu-time unlimited --cpu-max unlimited -- true
	assert_error 125 "max_user_namespaces"
	all_forms --proc none
	sr --proc none -- unshare -U true # the filter still stands
	[ "$status" -ne 0 ]
}

@test "no /proc at all" {
	require_plain "no /proc"
	without tmpfs:/proc
	refuses E_USERNS_DENIED 125 "mount -t proc" -- true
}

@test "a mount below /usr, as in containers: no overlay, a proven bind instead" {
	[ -d /usr/games ] || skip "no /usr/games to mount on"
	without tmpfs:/usr/games
	sr --report "$T/report.json" "$T/a.py" one
	assert_success
	assert_output "['/work/a.py', 'one']"
	assert_contains "$(report '.notes[] | select(.what == "overlay") | .text')" "/usr is a read-only bind"
	sr -- sh -c 'echo x 2>/dev/null >/usr/games/f || echo refused; grep -c " /usr ro," /proc/self/mountinfo'
	assert_output $'refused\n1'
}

@test "a socket or FIFO below /usr where no overlay is possible: refused by name" {
	[ -d /usr/games ] || skip "no /usr/games to mount on"
	mkdir "$T/games"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/games/door"
	without "bind:$T/games:/usr/games"
	refuses E_MOUNT 125 "remove /usr/games/door" -- true
	rm "$T/games/door"
	mkfifo "$T/games/pipe"
	refuses E_MOUNT 125 "remove /usr/games/pipe" -- true
	rm "$T/games/pipe"
	sr -- true
	assert_success
}

@test "mounts below /etc, as in containers: the same names inside" {
	sr -- ls -A /etc
	assert_success
	local names=$output
	without null:/etc/passwd null:/etc/hosts
	sr -- ls -A /etc
	assert_success
	assert_output "$names"
	sr -- sh -c 'id -un; cat /etc/hosts; cat /etc/hostname'
	assert_contains "$output" "127.0.0.1 localhost"
	assert_contains "$output" "sandbox"
	all_forms
}

# --- surroundings ---------------------------------------------------------------------------------------------------------

@test "no HOME, an empty environment, a HOME that is missing, read-only or a file" {
	under env -u HOME
	all_forms
	under env -i
	forms
	under env HOME=/nonexistent
	all_forms
	under env HOME="$T/data"
	all_forms
	under env HOME=relative
	all_forms
	mkdir "$T/ro"
	chmod 500 "$T/ro"
	under env HOME="$T/ro"
	all_forms
	assert_equal "$(ls -A "$T/ro")" ""
	chmod 700 "$T/ro"
	without "readonly:$HOME"
	all_forms
}

@test "XDG_CACHE_HOME: a file, a link, somebody else's folder, missing, relative" {
	under env XDG_CACHE_HOME="$T/data"
	forms
	mkdir "$T/far"
	ln -s "$T/far" "$T/link"
	under env XDG_CACHE_HOME="$T/link"
	forms
	under env XDG_CACHE_HOME=/root
	forms
	under env XDG_CACHE_HOME=/proc/self
	sr -- true
	assert_success
	under env XDG_CACHE_HOME="$T/not/there"
	forms
	assert_equal "$(ls -d "$T/not" 2>/dev/null)" ""
	cd "$T"
	under env XDG_CACHE_HOME=here
	sr -- true
	assert_success
	[ ! -e "$T/here" ]
}

@test "standard descriptors that are closed" {
	# not by `sr`: the shell's own pipe would take the free number
	sr_raw -- sh -c 'cat; echo ok' <&- >"$T/seen" 2>"$T/err"
	assert_equal "$(cat "$T/seen" "$T/err")" ok
	sr_raw --lang python <&- >"$T/seen" 2>"$T/err" && false
	assert_contains "$(cat "$T/seen" "$T/err")" "sandrun: script: cannot"
	sr_raw --report "$T/report.json" -- sh -c 'echo from-the-program; echo and-this >&2' >&- 2>"$T/err"
	assert_equal "$(report .outcome)" exited
	refute_contains "$(cat "$T/report.json")" from-the-program
	assert_contains "$(cat "$T/err")" and-this
	sr_raw -o f -O "$T/out" -- sh -c 'echo data >f; echo from-the-program' <&- >&- 2>&-
	assert_equal "$(cat "$T/out/f")" data
	sr_raw --error-format=json --nosuch <&- >&- 2>&- && false
	assert_equal "$(ls -A "$T/out")" f
}

@test "the working folder is gone, not searchable or not readable" {
	mkdir "$T/gone"
	cd "$T/gone"
	rmdir "$T/gone"
	sr --lang sh -c pwd
	assert_success
	assert_output /work
	sr "$T/a.py"
	assert_success
	sr a.py
	assert_error 127 "a.py"
	sr -C . main.py
	assert_match "$status" '^12[567]$'
	assert_contains "$stderr" "sandrun: "
	mkdir "$T/shut"
	cd "$T/shut"
	chmod 0 "$T/shut"
	sr --lang sh -c pwd
	assert_output /work
	sr a.py
	assert_match "$status" '^12[567]$'
	assert_contains "$stderr" "a.py"
	cd "$T"
	chmod 700 "$T/shut"
}

@test "umask 077 and 000" {
	umask 077
	all_forms
	assert_equal "$(stat -c %a "$T/out/upper.txt")" 600
	sr -- sh -c 'umask; stat -c %a /work /tmp /etc /etc/hosts'
	assert_output $'0022\n755\n1777\n755\n444'
	rm -rf "$HOME/.cache"
	umask 000
	all_forms
	[ "$((0$(stat -c %a "$T/out/upper.txt") & 0113))" -eq 0 ] || sr_fail "mode $(stat -c %a "$T/out/upper.txt")"
	sr -- sh -c 'umask; stat -c %a /work /tmp /etc /etc/hosts'
	assert_output $'0022\n755\n1777\n755\n444'
	assert_equal "$(find "$HOME/.cache" -perm /022 ! -type c)" ""
}

@test "few open files, no core files, no file size allowed by the caller" {
	under bash -c 'ulimit -n 20; exec "$@"' -
	all_forms
	under bash -c 'ulimit -n 6; exec "$@"' -
	sr -- true
	[ "$status" = 0 ] || assert_error 125
	under bash -c 'ulimit -c 0; exec "$@"' -
	all_forms
	sr --report "$T/report.json" -- sh -c 'ulimit -c; ulimit -Hc'
	assert_output $'0\n0'
	assert_equal "$(report '.notes[] | select(.what == "core") | .degraded')" false
	under bash -c 'ulimit -f 0; exec "$@"' -
	sr -- echo here
	assert_success
	assert_output here
}

@test "few processes allowed by the caller" {
	require_plain "few processes"
	under bash -c 'ulimit -u 1; exec "$@"' -
	sr -- true
	[ "$status" = 0 ] || assert_error 125
}

@test "a folder and files that only the user can read" {
	mkdir "$T/private"
	mv "$T/a.py" "$T/p" "$T/data" "$T/private"
	chmod -R go-rwx "$T/private"
	cd "$T/private"
	sr a.py one
	assert_success
	sr -C p main.py
	assert_output 7
	sr -i data --bind p:/p -- cat data /p/helper.py
	assert_output $'some text\nvalue = 7'
}

@test "/tmp cannot be written" {
	without readonly:/tmp
	forms
	without tmpfs:/dev/shm readonly:/dev/shm
	forms
}

# --- the mask of /etc -------------------------------------------------------------------------------------------------------

masks() {
	ls -A "$HOME/.cache/sandrun" 2>/dev/null
}

# A copy of /etc that the test may change, seen by sandrun as /etc.
own_etc() {
	mkdir "$T/etc"
	cp -a /etc/. "$T/etc/" 2>/dev/null || true # what this user cannot read stays out
	without "bind:$T/etc:/etc"
}

@test "/etc: the mask is made once, for the user alone, and used again" {
	etc_settled
	sr -- ls -A /etc
	local names=$output first
	refute_contains "$names" shadow
	refute_contains "$names" machine-id
	first=$(masks)
	assert_match "$first" '^etc-[^ ]*$'
	assert_equal "$(stat -c '%a %u' "$HOME/.cache/sandrun")" "700 $(id -u)"
	local inode
	inode=$(stat -c %i "$HOME/.cache/sandrun/$first")
	sr -- ls -A /etc
	assert_output "$names"
	assert_equal "$(masks)" "$first"
	assert_equal "$(stat -c %i "$HOME/.cache/sandrun/$first")" "$inode"
	assert_equal "$(find "$HOME/.cache" -maxdepth 1 | sort)" $"$HOME/.cache"$'\n'"$HOME/.cache/sandrun"
}

@test "/etc: made anew when a name comes; the new name is hidden, or shown where it belongs" {
	own_etc
	etc_settled "$T/etc"
	sr -- ls -A /etc
	assert_success
	local names=$output before
	before=$(masks)
	echo secret >"$T/etc/sr-secret.conf"
	sr -- ls -A /etc
	assert_success
	assert_output "$names"
	sr -- cat /etc/sr-secret.conf
	assert_status 1
	assert_equal "$(masks)" "$before" # too fresh: the pieces were shown one by one
	etc_settled "$T/etc"
	sr -- ls -A /etc
	assert_output "$names"
	sr -- cat /etc/sr-secret.conf
	assert_status 1
	[ "$(masks)" != "$before" ]
	assert_contains "$(masks)" "$before" # kept for a while: a run may just be using it
	mkdir "$T/etc/lua9.9"
	echo shown >"$T/etc/lua9.9/conf"
	sr -- cat /etc/lua9.9/conf
	assert_success
	assert_output shown
	XDG_CACHE_HOME=$T/data sr -- cat /etc/lua9.9/conf # without a mask too
	assert_output shown
}

@test "/etc: names that come and go while runs start never show" {
	own_etc
	sr -- ls -A /etc
	local names=$output i
	(
		while [ -e "$T/etc" ]; do
			echo secret >"$T/etc/sr-secret.conf"
			rm -f "$T/etc/sr-secret.conf"
		done
	) 3>&- &
	local racer=$!
	for ((i = 0; i < 25; i++)); do
		sr -- ls -A /etc
		if [ "$status" = 0 ]; then
			assert_output "$names" || break
		else
			assert_contains "$stderr" "/etc" || break
		fi
	done
	kill "$racer"
	wait "$racer" || true
	rm -f "$T/etc/sr-secret.conf"
	assert_equal "$i" 25
	sr -- ls -A /etc
	assert_output "$names"
}

@test "/etc: piece by piece, where there is no place for a mask, shows the same" {
	etc_settled
	local all='cd /etc && find . -mindepth 1 -maxdepth 2 | LC_ALL=C sort; cat hosts passwd nsswitch.conf os-release'
	sr -- sh -c "$all"
	assert_success
	local names=$output
	[ "$(masks | wc -l)" -eq 1 ]
	XDG_CACHE_HOME=$T/data sr -- sh -c "$all"
	assert_success
	assert_output "$names"
	sr -- sh -c 'echo x 2>/dev/null >/etc/hosts || echo x 2>/dev/null >/etc/new || echo refused'
	assert_output refused
	XDG_CACHE_HOME=$T/data sr -- sh -c 'echo x 2>/dev/null >/etc/hosts || echo x 2>/dev/null >/etc/new || echo refused'
	assert_output refused
}

# Puts a folder with a passwd of its own where sandrun looks for its mask: planted PLACE. It has the time of /etc, as sandrun's
# own has: nothing but what the test changes afterwards speaks against it.
planted() {
	mkdir -p "$1"
	chmod 755 "$1"
	echo 'root::0:0::/:/bin/sh' >"$1/passwd"
	touch -r /etc "$1"
}

@test "/etc: a planted mask is not used" {
	etc_settled
	sr -- sh -c 'ls -A /etc; cat /etc/passwd'
	assert_success
	local shown=$output name cache=$HOME/.cache/sandrun look=(sh -c 'ls -A /etc; cat /etc/passwd')
	name=$(masks)
	refute_contains "$shown" "root::0"
	# the control: one that nobody else could have made is used
	rm -rf "$cache"
	planted "$cache/$name"
	chmod 700 "$cache"
	sr -- "${look[@]}"
	assert_contains "$output" "root::0"
	# writable by others
	chmod 777 "$cache/$name"
	touch -r /etc "$cache/$name"
	sr -- "${look[@]}"
	assert_output "$shown"
	# of another time than /etc
	rm -rf "$cache"
	planted "$cache/$name"
	touch "$cache/$name"
	sr -- "${look[@]}"
	assert_output "$shown"
	# a link to a folder that would be fine
	rm -rf "$cache"
	mkdir -p "$cache"
	planted "$T/fine"
	ln -s "$T/fine" "$cache/$name"
	sr -- "${look[@]}"
	assert_output "$shown"
	# a file; a FIFO
	rm -rf "$cache"
	mkdir -p "$cache"
	echo x >"$cache/$name"
	touch -r /etc "$cache/$name"
	sr -- "${look[@]}"
	assert_output "$shown"
	rm -rf "${cache:?}/$name"
	mkfifo "$cache/$name"
	touch -r /etc "$cache/$name"
	sr -- "${look[@]}"
	assert_output "$shown"
	# a folder above that others may write, or a link
	rm -rf "$cache"
	planted "$cache/$name"
	chmod 777 "$cache"
	sr -- "${look[@]}"
	assert_output "$shown"
	rm -rf "$cache"
	planted "$T/moved/$name"
	chmod 700 "$T/moved"
	ln -s "$T/moved" "$cache"
	sr -- "${look[@]}"
	assert_output "$shown"
}

@test "/etc: many first runs at once" {
	etc_settled
	sr -- ls -A /etc
	local names=$output i pids=()
	rm -rf "$HOME/.cache"
	for i in {1..12}; do
		sr_raw -- ls -A /etc >"$T/names.$i" 2>&1 &
		pids+=("$!")
	done
	wait "${pids[@]}"
	for i in {1..12}; do
		assert_equal "$(cat "$T/names.$i")" "$names"
	done
	assert_match "$(masks)" '^etc-[^ ]*$'
}
