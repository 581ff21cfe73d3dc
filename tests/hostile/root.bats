#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun started by root: the payload owns nothing on the host all the same. Run as root; as anybody else it fails, because a
# skip would look like a pass.

load ../lib/common
load hostile

setup() {
	if [ "$(id -u)" != 0 ]; then
		echo "root.bats has to run as root" >&2
		return 1
	fi
	# The user inside must be able to reach what a test shows on purpose.
	chmod 755 "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
}

teardown() {
	stop_started
}

# The host's process with this mark in its arguments that is no sandrun.
payload_pid() {
	local pid
	for pid in $(pgrep -f -- "$1\$"); do
		if [ "$(readlink "/proc/$pid/exe")" != "$SANDRUN" ] && [ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" != 0 ]; then
			echo "$pid"
			return
		fi
	done
	return 1
}

@test "root: the payload's id on the host is neither 0 nor the owner of a file or another process" {
	local m n pid uid gid other
	m=$(mark)
	for n in 1 2; do
		start "out$n" "$SANDRUN" -q "$(probe daemon)" session 30 "$m-$n"
	done
	pid=$(payload_pid "$m-1")
	# Real, effective, saved and file-system id are one, and so for groups; no supplementary groups.
	uid=$(awk '/^Uid:/ { print ($2 == $3 && $3 == $4 && $4 == $5) ? $2 : 0 }' "/proc/$pid/status")
	gid=$(awk '/^Gid:/ { print ($2 == $3 && $3 == $4 && $4 == $5) ? $2 : 0 }' "/proc/$pid/status")
	[ "$uid" -gt 65535 ] || sr_fail "uid $uid"
	[ "$gid" -gt 65535 ] || sr_fail "gid $gid"
	assert_equal "$(awk '/^Groups:/ { print NF }' "/proc/$pid/status")" 1
	assert_match "$(cat "/proc/$pid/uid_map")" "^ +1000 +$uid +1$"
	assert_equal "$(getent passwd "$uid" || true)$(getent group "$gid" || true)" ""
	assert_equal "$(find / -xdev -maxdepth 4 \( -uid "$uid" -o -gid "$gid" \) -print -quit 2>/dev/null)" ""
	# Only its own run has processes of that id: PID 1 and the payload.
	[ "$(pgrep -c -u "$uid")" -le 2 ]
	# Two runs at a time do not share it.
	other=$(awk '/^Uid:/ { print $2 }' "/proc/$(payload_pid "$m-2")/status")
	[ "$other" -gt 65535 ] && [ "$other" != "$uid" ] || sr_fail "both runs have the id $uid"
}

@test "root: root's files stay unreadable even where they are shown" {
	canary "$T/dir/open" "for everybody"
	umask 077
	canary "$T/private/secret" "root's secret"
	canary "$T/dir/secret" "root's secret"
	umask 022
	assert_equal "$(stat -c %a "$T/private" "$T/dir/secret" "$T/dir" | tr '\n' ' ')" "700 600 755 "
	on_host cat "$T/private/secret" "$T/dir/secret"
	SR=(--bind "$T/private:/mnt/private" --bind "$T/dir:/mnt/dir")
	inside act ls /mnt/private , read /mnt/private/secret , read /mnt/dir/secret , read /mnt/dir/open , \
		write /mnt/dir/open , setuid /mnt/dir/open , create /mnt/dir/new
	if [ "$status" -eq 0 ]; then
		assert_output "ls /mnt/private: EACCES
read /mnt/private/secret: EACCES
read /mnt/dir/secret: EACCES
read /mnt/dir/open: OK for everybody
write /mnt/dir/open: EROFS
setuid /mnt/dir/open: EROFS
create /mnt/dir/new: EROFS"
	else
		# Refused before anything ran is as good; then the readable one alone must be shown.
		assert_error 125
		SR=(--bind "$T/dir:/mnt/dir")
		inside act read /mnt/dir/secret , read /mnt/dir/open , write /mnt/dir/open
		assert_output "read /mnt/dir/secret: EACCES
read /mnt/dir/open: OK for everybody
write /mnt/dir/open: EROFS"
	fi
	assert_canaries
}

@test "root: an input of root's goes in by content, and results come out as the caller's" {
	canary "$T/secret.txt" "given on purpose"
	chmod 600 "$T/secret.txt"
	cd "$T"
	sr -i secret.txt -o result -O out --lang sh -c '
		cat secret.txt; echo x >/dev/stdout; id -u; echo result >result; chmod 4777 result'
	assert_success
	assert_output "given on purpose
x
1000"
	assert_equal "$(stat -c '%u %g %a' out/result)" "0 0 644"
	assert_equal "$(cat "$T/secret.txt")" "given on purpose"
}

@test "root: processes of root cannot be seen, signalled or traced" {
	local m pid
	m=$(mark)
	(exec -a "$m" sleep 60) 3>&- &
	pid=$!
	wait_for 5 alive "$m"
	sr --lang bash -c "kill -KILL -1; kill -KILL $pid 2>&1; ls -d /proc/[0-9]* | wc -l; echo over"
	assert_contains "$output" over
	assert_contains "$output" "No such process"
	inside reach attack 1
	refute_contains "$(printf '%s\n' "$output" | grep -v '^pidfd_open: ')" OK
	inside reach hunt "$(printf '%s' "$m" | rev)"
	assert_output "processes seen: 1"
	alive "$m"
	on_host kill -KILL "$pid"
}

@test "root: identity inside is the same as an ordinary user's" {
	inside ids
	assert_success
	assert_equal "${lines[0]}" "uid 1000 1000 gid 1000 1000"
	assert_equal "$(printf '%s\n' "$output" | grep -c '^Cap.*: 0000000000000000$')" 10
	assert_contains "$output" "NoNewPrivs: 1"
	assert_contains "$output" "Seccomp: 2"
	assert_contains "$output" "setuid 0: EINVAL"
	assert_contains "$output" "setgroups 0: EPERM"
}

@test "root: a real set-id-root program and a real device in an image" {
	image "$T/img"
	chmod 755 "$T/img" "$T/img/usr" "$T/img/usr/bin"
	cp "$(probe ids)" "$T/img/usr/bin/ids"
	chmod 6755 "$T/img/usr/bin/ids"
	assert_equal "$(stat -c '%u %a' "$T/img/usr/bin/ids")" "0 6755"
	# The controls: an ordinary user does become root by it, and the node opens on the host.
	try setpriv --reuid 64000 --regid 64000 --clear-groups "$T/img/usr/bin/ids"
	if [[ $output != "uid 64000 0 "* ]]; then
		echo "# this folder's file system ignores set-id bits" >&3
	fi
	SR=(-E "$T/img")
	inside ids exec /usr/bin/ids
	assert_success
	assert_equal "${lines[0]}" "uid 1000 1000 gid 1000 1000"
	assert_contains "$output" "CapEff: 0000000000000000"
	if mknod "$T/img/zero" c 1 5 && chmod 666 "$T/img/zero" && head -c 1 "$T/img/zero" >/dev/null; then
		inside act read /zero , write /zero
		assert_output "read /zero: EACCES
write /zero: EACCES"
	else
		echo "# this folder's file system opens no devices" >&3
	fi
}

@test "root: root's own files in an image are closed, and nothing can be changed on the host" {
	image "$T/img"
	canary "$T/img/open" "open"
	canary "$T/img/third" "third"
	umask 077
	canary "$T/img/closed" "closed"
	umask 022
	chmod 755 "$T/img" "$T/img/usr" "$T/img/usr/bin"
	SR=(-E "$T/img")
	inside act read /open , read /closed , write /open , unlink /open , setuid /third
	# Its own name for a file it may take away, in memory.
	assert_output "read /open: OK open
read /closed: EACCES
write /open: EACCES
unlink /open: OK
setuid /third: EPERM"
	assert_canaries
}

@test "root: nobody outside root's run can reach it, nor its pipes" {
	local m pid
	m=$(mark)
	start out "$SANDRUN" -q "$(probe daemon)" session 30 "$m"
	pid=$(payload_pid "$m")
	try setpriv --reuid 64000 --regid 64000 --clear-groups --no-new-privs "$(probe act)" read "/proc/$pid/environ" , \
		readlink "/proc/$pid/root" , readlink "/proc/$pid/fd/0"
	assert_output "read /proc/$pid/environ: EACCES
readlink /proc/$pid/root: EACCES
readlink /proc/$pid/fd/0: EACCES"
}

@test "root: the filter's controls: with every capability no call of the list is answered EPERM" {
	outside_ns calls mount
	refute_contains "$output" EPERM
	try "$(probe calls)" kernel handle
	# ENOSYS is a kernel built without; EPERM means a container's root, which proves nothing here.
	assert_equal "$(printf '%s\n' "$output" | grep -v -c EPERM)" "$(printf '%s\n' "$output" | wc -l)"
	inside calls kernel handle
	assert_equal "$(printf '%s\n' "$output" | grep -c EPERM)" "$(printf '%s\n' "$output" | wc -l)"
}

@test "root: sandrun refuses to run set-user-id, set-group-id or with file capabilities" {
	local mode
	cp "$SANDRUN" "$T/copy"
	chmod 755 "$T/copy"
	try setpriv --reuid 64000 --regid 64000 --clear-groups "$T/copy" -- /bin/true
	assert_success
	for mode in 4755 2755 6755; do
		chmod "$mode" "$T/copy"
		try setpriv --reuid 64000 --regid 64000 --clear-groups "$T/copy" -- /bin/true
		assert_error 125
	done
	chmod 755 "$T/copy"
	require_cmd setcap
	setcap cap_sys_admin+ep "$T/copy"
	try setpriv --reuid 64000 --regid 64000 --clear-groups "$T/copy" -- /bin/true
	assert_error 125
	setcap cap_net_bind_service+p "$T/copy"
	try setpriv --reuid 64000 --regid 64000 --clear-groups "$T/copy" -- /bin/true
	assert_error 125
}
