#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 55-58: no network, no host's sockets, no channel between two runs.

load ../lib/common
load hostile

teardown() {
	stop_started
}

@test "case 55: TCP and UDP to the host, its networks and the world" {
	local ports address
	start served "$(probe net)" serve
	read -r -a ports <"$T/served"
	outside net tcp 127.0.0.1 "${ports[0]}"
	assert_contains "$output" "heard hello"
	inside net tcp 127.0.0.1 "${ports[0]}"
	assert_output "tcp 127.0.0.1: ECONNREFUSED"
	if [ "${ports[1]}" != 0 ]; then
		inside net tcp ::1 "${ports[1]}"
		assert_output "tcp ::1: ECONNREFUSED"
	fi
	for address in 169.254.169.254 10.0.0.1 192.168.1.1 8.8.8.8 224.0.0.1 255.255.255.255 2001:4860:4860::8888 fe80::1 \
		$(hostname -I 2>/dev/null); do
		inside net tcp "$address" 80
		assert_match "$output" "^tcp $address: (ENETUNREACH|EACCES|EINVAL|EADDRNOTAVAIL)$"
		inside net udp "$address" 53
		assert_match "$output" "^udp $address: (ENETUNREACH|EACCES|EINVAL|EADDRNOTAVAIL)$"
	done
	# An address of all zeros is this machine's own: its loopback, and so the sandbox's.
	inside net tcp 0.0.0.0 "${ports[0]}"
	assert_output "tcp 0.0.0.0: ECONNREFUSED"
	inside net tcp ::ffff:127.0.0.1 "${ports[0]}"
	assert_output "tcp ::ffff:127.0.0.1: ECONNREFUSED"
}

@test "case 55: one interface, the loopback, and it works" {
	inside net interfaces
	assert_output "interface lo
bind 127.0.0.1: OK
bind 0.0.0.0: OK
bind ::1: OK
bind ::: OK
bind 10.0.0.1: EADDRNOTAVAIL
bind 169.254.169.254: EADDRNOTAVAIL"
	inside net loopback
	assert_success
	refute_contains "$(printf '%s\n' "$output" | grep -v ': OK$')" :
	assert_equal "$(printf '%s\n' "$output" | wc -l)" 10
}

@test "case 55: no raw packets, no setting of the network" {
	inside net privileged
	assert_match "$output" "^bind port 80: (EACCES|OK)
transparent: EPERM
mark: EPERM
raw tcp: EPROTONOSUPPORT
raw icmp: EPROTONOSUPPORT
raw icmp6: EPROTONOSUPPORT
interface down: EPERM
interface address: EPERM$"
	outside_ns net privileged
	assert_contains "$output" "raw tcp: OK"
	assert_contains "$output" "interface down: OK"
	sr --lang sh -c 'getent hosts example.org; echo "status $?"'
	assert_output "status 2"
}

@test "case 56: abstract sockets of the host and of another run" {
	local name pid
	name=@$(mark)
	start host "$(probe local)" serve "$name"
	outside local connect "$name"
	assert_contains "$output" "heard hello"
	inside local connect "$name"
	assert_output "connect: ECONNREFUSED"
	start other "$SANDRUN" -q "$(probe local)" serve "$name-2"
	inside local connect "$name-2"
	assert_output "connect: ECONNREFUSED"
	outside local connect "$name-2"
	assert_output "connect: ECONNREFUSED"
	# A name taken outside is free inside.
	SR=(-t 1)
	inside local serve "$name"
	assert_status 124
	assert_output ready
}

@test "case 56: sockets and FIFOs in a folder that is shown, or given as a file" {
	mkdir -p "$T/dir/sub"
	start served "$(probe local)" serve "$T/dir/sub/sock"
	mkfifo "$T/dir/fifo"
	start held "$(probe local)" hold "$T/dir/fifo"
	chmod 777 "$T/dir/sub/sock" "$T/dir/fifo"
	outside local connect "$T/dir/sub/sock"
	assert_contains "$output" "heard hello"
	SR=(--bind "$T/dir:/mnt")
	inside local connect /mnt/sub/sock
	# Shown through an overlay, the socket is nobody's; or sandrun refuses the folder.
	[ "$status" -eq 125 ] || assert_output "connect: ECONNREFUSED"
	SR=(-t 1 --bind "$T/dir:/mnt")
	inside act write /mnt/fifo
	refute_contains "$output" "OK"
	# A project folder is copied: regular files, folders and links only, or it is refused.
	: >"$T/dir/file"
	sr -q -C "$T/dir" -- /usr/bin/find /work -mindepth 1 ! -type d
	[ "$status" -eq 125 ] || assert_output "/work/file"
	SR=(--bind "$T/dir/sub/sock:/mnt/sock")
	inside local connect /mnt/sock
	assert_error 125 sock
	SR=(--bind "$T/dir/fifo:/mnt/fifo")
	inside act write /mnt/fifo
	assert_error 125 fifo
	SR=(-i "$T/dir/fifo")
	inside act ls /work
	assert_error 125 fifo
	SR=(-i "$T/dir/sub/sock")
	inside act ls /work
	assert_error 125 sock
	assert_equal "$(cat "$T/held")" ready
	outside act write "$T/dir/fifo"
	wait_for 5 grep -q arrived "$T/held"
}

@test "case 56: sockets and FIFOs that appear in a shown folder while the payload runs" {
	mkdir "$T/dir"
	printf 'echo ready; sleep 2; ls /mnt; exec "%s" connect /mnt/late\n' /work/local >"$T/late.sh"
	cp "$(probe local)" "$T/local"
	: >"$T/out"
	"$SANDRUN" -q -i "$T/local" --bind "$T/dir:/mnt" "$T/late.sh" >"$T/out" 2>"$T/err" </dev/null 3>&- &
	local pid=$!
	wait_for 5 grep -q -e ready -e . "$T/out"
	start served "$(probe local)" serve "$T/dir/late"
	wait "$pid" || true
	refute_contains "$(cat "$T/out")" "heard"
	outside local connect "$T/dir/late"
	assert_contains "$output" "heard hello"
}

@test "case 56: sockets that many machines have" {
	local path
	for path in /run/dbus/system_bus_socket /var/run/docker.sock /run/systemd/private /tmp/.X11-unix/X0 \
		/run/nscd/socket "/run/user/$(id -u)/bus" "/run/user/$(id -u)/wayland-0" /dev/log /run/udev/control \
		/run/postgresql/.s.PGSQL.5432 /run/systemd/notify; do
		inside local connect "$path"
		assert_output "connect: ENOENT"
	done
	start served "$(probe local)" serve "$T/sock"
	inside local connect "$T/sock"
	assert_output "connect: ENOENT"
	outside local connect "$T/sock"
	assert_contains "$output" "heard hello"
}

@test "case 57: no descriptor travels over standard input or output, whatever these are" {
	canary "$T/secret" "a secret"
	outside local pass "$T/secret" "$(probe local)" take
	assert_contains "$output" "descriptors that came in: 1"
	assert_contains "$output" "descriptors that came out: 1"
	try "$(probe local)" pass "$T/secret" "$SANDRUN" -q "$(probe local)" take
	assert_output "receive: ENOTSOCK
send: ENOTSOCK
descriptors that came out: 0"
	assert_canaries
}

@test "case 58: System V and POSIX objects of the host and of another run; a lock on a file that both see" {
	local key=$((RANDOM * 32768 + RANDOM + 2)) before host
	before=$(cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | wc -l)
	mkfifo "$T/end" "$T/end2"
	"$(probe ipc)" make "$key" /usr/bin/env <"$T/end" >"$T/made" 3>&- &
	host=$!
	exec 8>"$T/end"
	wait_for 5 grep -q made "$T/made"
	assert_equal "$(grep -c ': OK' "$T/made")" 8
	outside ipc find "$key" /usr/bin/env
	assert_output "shm: OK
msg: OK
sem: OK
mqueue: OK
posix shm: OK
open: OK
flock: EAGAIN"
	inside ipc find "$key" /usr/bin/env
	assert_match "$output" "^shm: (ENOENT|ENOSYS)
msg: (ENOENT|ENOSYS)
sem: (ENOENT|ENOSYS)
mqueue: ENOENT
posix shm: ENOENT
open: OK
flock: OK$"
	exec 8>&-
	wait "$host"
	outside ipc drop "$key"
	# The other way round, and between two runs.
	"$SANDRUN" -q "$(probe ipc)" make "$key" /usr/bin/env <"$T/end2" >"$T/made2" 3>&- &
	host=$!
	exec 8>"$T/end2"
	wait_for 5 grep -q made "$T/made2"
	assert_contains "$(cat "$T/made2")" "posix shm: OK"
	assert_contains "$(cat "$T/made2")" "flock: OK"
	outside ipc find "$key" /usr/bin/env
	assert_output "shm: ENOENT
msg: ENOENT
sem: ENOENT
mqueue: ENOENT
posix shm: ENOENT
open: OK
flock: OK"
	inside ipc find "$key" /usr/bin/env
	assert_contains "$output" "posix shm: ENOENT"
	assert_contains "$output" "flock: OK"
	exec 8>&-
	wait "$host"
	assert_equal "$(cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | wc -l)" "$before"
}
