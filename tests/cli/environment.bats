#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# -E DIR: a folder as the root, hostile ones included; --bind: what of the host can be shown, and what stays unreachable.

load ../lib/common

setup() {
	export HOME=$T/home
	unset XDG_CACHE_HOME
	mkdir "$HOME"
	# by root the payload is somebody else: what it is shown must be open to all
	[ "$(id -u)" != 0 ] || chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
	require_cmd busybox
	file -L "$(command -v busybox)" | grep -q 'statically linked' || skip "busybox is not the static one"
	image "$T/image"
	cd "$T"
}

# A small root: busybox and its names, and the probes' `act`.
image() {
	local root=$1 name
	mkdir -p "$root/bin" "$root/etc" "$root/home/somebody" "$root/opt/tool/deep"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for name in sh ls cat echo touch rm mv mkdir rmdir ln stat id sleep find grep head readlink cp chmod dd env wc test true; do
		ln -s busybox "$root/bin/$name"
	done
	cp "$(probe act)" "$root/bin/act"
	echo 'image:x:0:0:image:/:/bin/sh' >"$root/etc/passwd"
	echo image >"$root/etc/own"
	echo one >"$root/opt/tool/one"
	echo two >"$root/opt/tool/deep/two"
	chmod -R go+rX "$root"
}

# Everything that a run could have changed of a tree: kinds, modes, owners, times, links, contents.
digest() {
	(cd "$1" && find . -printf '%P %y %m %U %G %s %T@ %C@ %n %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum) | sha256sum
}

inside() {
	sr -E "$T/image" -- "$@"
}

@test "-E: the image's programs and files, sandrun's own user, names and devices" {
	inside sh -c 'id -un; cat /etc/own; cat /etc/hostname; pwd; echo $HOME; ls -d /work /proc/self /dev/null /dev/shm /tmp; grep -c . /etc/passwd'
	assert_success
	assert_output 'sandbox
image
sandrun
/work
/work
/dev/null
/dev/shm
/proc/self
/tmp
/work
3'
	inside sh -c 'ls /'
	assert_output $'bin\ndev\netc\nhome\nopt\nproc\nrun\ntmp\nvar\nwork'
	[ ! -e "$T/image/usr" ]
	inside ls /usr
	assert_status 1
}

@test "-E: scripts, code, standard input, inputs and outputs as in host" {
	printf '#!/bin/sh\necho "ran $0 $1"\n' >"$T/a"
	sr -E "$T/image" "$T/a" x
	assert_success
	assert_output "ran /work/a x"
	sr -E image --lang sh -c 'echo $1' y
	assert_output y
	sr -E image --lang sh - z <<<'echo "$1"'
	assert_output z
	echo text >"$T/data"
	sr -E image -i "$T/data" -o 'copy' -O "$T" -- cp data copy
	assert_success
	assert_equal "$(cat "$T/copy")" text
	printf 'print(1)\n' >"$T/a.py"
	sr -E image "$T/a.py"
	assert_error 127 python
	sr -E image -- nosuch
	assert_error 127 nosuch
}

@test "-E: writes anywhere work and vanish, the image is as it was" {
	require_user # by root the image belongs to nobody inside
	local before
	before=$(digest "$T/image")
	inside sh -c 'touch /new /home/somebody/new && echo more >>/etc/own && rm /opt/tool/one && mkdir /d && cat /etc/own && ls /opt/tool'
	assert_success
	assert_output $'image\nmore\ndeep'
	assert_equal "$(digest "$T/image")" "$before"
	inside sh -c 'ls / /home/somebody; cat /etc/own'
	refute_contains "$output" new
	refute_contains "$output" more
	inside sh -c 'chmod 0 /etc/own; rm -rf /bin/ls /etc/own; ln -s /nowhere /etc/own; mv /opt/tool/deep/two /; echo over >/bin/busybox' # the last may be "text file busy"
	assert_equal "$(digest "$T/image")" "$before"
}

# Finding 7: a tmpfs without user xattrs (Linux before 6.6) cannot take a folder of the image away or move it.
@test "-E: folders of the image go and move, or the kernel's loss is said" {
	require_user # by root the image belongs to nobody inside
	sr -E image --report "$T/report.json" -- sh -c 'rm -r /opt/tool && mv /home/somebody /home/other && ls /opt /home'
	if [ "$(report '[.notes[].what] | index("overlay-xattr") != null')" = true ]; then
		[ "$status" -ne 0 ]
		sr -E image --strict -m unlimited --pids unlimited --cpu-time unlimited -- true
		assert_error 125 "before 6.6"
	else
		assert_success
		assert_output $'/home:\nother\n\n/opt:'
	fi
}

@test "-E: a private copy of what is written, also of a hard link and a read-only file" {
	require_user # by root the image belongs to nobody inside
	ln "$T/image/etc/own" "$T/image/etc/twin"
	chmod 444 "$T/image/etc/own"
	local before
	before=$(digest "$T/image")
	inside sh -c 'chmod u+w /etc/twin && echo changed >/etc/twin; cat /etc/twin'
	assert_output changed
	assert_equal "$(digest "$T/image")" "$before"
}

@test "-E: writes are bounded by the work size" {
	sr -E image --work-size 4M -- sh -c 'dd if=/dev/zero of=/big bs=1M count=16 2>/dev/null || echo full; dd if=/dev/zero of=/home/big bs=1M count=1 2>/dev/null || echo full'
	assert_contains "$output" full
}

@test "-E: links of the image named dev, proc, work, tmp, etc, run, var lead nowhere" {
	canary "$T/host/secret" "host secret"
	local name
	rm -r "$T/image/etc"
	for name in dev proc work tmp etc run var usr; do
		ln -s "$T/host" "$T/image/$name"
	done
	chmod 777 "$T/host"
	inside sh -c 'for n in dev proc work tmp etc run var; do echo x 2>/dev/null >/$n/planted; cat /$n/secret 2>/dev/null; done; cat /usr/secret 2>/dev/null; ls -d /work /etc/passwd /dev/null /proc/self'
	assert_output $'/dev/null\n/etc/passwd\n/proc/self\n/work'
	assert_equal "$(ls -A "$T/host")" secret
	assert_canaries
	# deeper ones: what sandrun writes below them
	rm "$T/image"/{dev,proc,etc,usr}
	mkdir "$T/image/etc" "$T/image/dev" "$T/image/proc"
	ln -s "$T/host/secret" "$T/image/etc/passwd"
	ln -s "$T/host" "$T/image/dev/shm"
	ln -s "$T/host/secret" "$T/image/dev/null"
	ln -s "$T/host/secret" "$T/image/proc/cmdline"
	inside sh -c 'echo x >/dev/null; echo x 2>/dev/null >/etc/passwd; echo x >/dev/shm/planted; head -n1 /etc/passwd'
	assert_output "root:x:0:0:root:/root:/usr/sbin/nologin"
	assert_equal "$(ls -A "$T/host")" secret
	assert_canaries
}

@test "-E: absolute links and .. of the image stay in the image" {
	canary "$T/host/secret" "host secret"
	ln -s "$T/host/secret" "$T/image/etc/absolute"
	ln -s "../../../../../../../../../..$T/host/secret" "$T/image/etc/dots"
	ln -s "$T/host" "$T/image/opt/folder"
	cat "$T/image/etc/absolute" "$T/image/etc/dots" "$T/image/opt/folder/secret" >"$T/seen" # the control: outside they lead there
	assert_equal "$(sort -u "$T/seen")" "host secret"
	inside sh -c 'cat /etc/absolute /etc/dots /opt/folder/secret 2>/dev/null; echo end'
	assert_output end
	# the interpreter is looked up inside as well
	rm "$T/image/bin/sh"
	ln -s "$T/host/sh" "$T/image/bin/sh"
	cp "$(command -v busybox)" "$T/host/sh"
	inside sh -c true
	assert_error 127
}

@test "-E: device nodes, pipes and sockets of files named as sandrun's own" {
	mkdir "$T/image/dev"
	mkfifo "$T/image/dev/null" "$T/image/etc/hosts"
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("image/work")'
	echo x >"$T/image/tmp"
	try timeout 20 "$SANDRUN" -E image -- sh -c 'echo x >/dev/null; head -n1 /etc/hosts; touch /work/f /tmp/f && echo fine'
	assert_success
	assert_output $'127.0.0.1 localhost sandrun\nfine'
}

@test "-E: sockets and FIFOs in the image do not reach the host" {
	mkfifo "$T/image/opt/pipe"
	python3 - "$T/image/opt/door" "$T/met" 3>&- <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c = s.accept()[0]
    open(sys.argv[2], "a").write(c.recv(10).decode() + "\n")
END
	local server=$! reader
	wait_for 5 test -S "$T/image/opt/door"
	chmod 666 "$T/image/opt/door" "$T/image/opt/pipe"
	cat "$T/image/opt/pipe" >"$T/read" 3>&- &
	reader=$!
	cat >"$T/knock.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.send(sys.argv[2].encode())
except OSError as e:
    print(e.strerror)
END
	python3 "$T/knock.py" "$T/image/opt/door" outside
	wait_for 5 test -s "$T/met"
	# python from the host beside the image's files: the image over the host's /usr would be another test
	sr --bind "$T/image:/image" "$T/knock.py" /image/opt/door inside
	assert_output "Connection refused"
	try timeout 20 "$SANDRUN" -E image -t 1s -- sh -c 'echo inside >/opt/pipe'
	assert_status 124
	try timeout 20 "$SANDRUN" --bind "$T/image:/image" -t 1s -- sh -c 'echo inside >/image/opt/pipe'
	[ "$status" -ne 0 ]
	kill "$server"
	assert_equal "$(cat "$T/met")" outside
	assert_equal "$(cat "$T/read")" ""
	echo outside >"$T/image/opt/pipe" # the control: the reader was there
	wait "$reader"
	assert_equal "$(cat "$T/read")" outside
	wait "$server" || true
}

@test "-E: mountinfo and the report of the kernel name no folder of the host" {
	inside cat /proc/self/mountinfo
	assert_success
	refute_contains "$output" "$T"
	refute_contains "$output" image
	assert_contains "$output" " / / rw,nosuid,nodev"
	mkdir "$T/shown"
	sr -E image --bind "$T/shown:/data" -- cat /proc/self/mountinfo
	assert_contains "$output" " /data ro,nosuid,nodev"
	refute_contains "$output" "$T"
	sr --bind "$T/shown:/data" -- cat /proc/self/mountinfo
	assert_contains "$output" " /data ro,nosuid,nodev"
	refute_contains "$output" "$T"
}

@test "-E: set-uid files count for nothing" {
	chmod 6755 "$T/image/bin/busybox"
	inside sh -c 'grep -E "^(Uid|Gid|NoNewPrivs|Cap...):" /proc/self/status'
	assert_success
	assert_output $'Uid:\t1000\t1000\t1000\t1000
Gid:\t1000\t1000\t1000\t1000
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1'
}

@test "-E: two runs at once do not see each other" {
	"$SANDRUN" -E image -- sh -c 'echo mine >/first; echo mine >/tmp/first; echo mine >/work/first; echo ready; sleep 100' >"$T/first" 3>&- &
	local first=$!
	wait_for 10 grep -q ready "$T/first"
	inside sh -c 'ls -d /first /tmp/first /work/first 2>/dev/null; ls /proc | grep -c "^[0-9]"; echo theirs >/second'
	assert_output 3 # init is hidden: the shell, ls, grep
	kill "$first"
	wait "$first" || true
	[ ! -e "$T/image/first" ] && [ ! -e "$T/image/second" ]
}

@test "-E: the image swapped for a link while runs start" {
	canary "$T/host/bin/secret" "host secret"
	mkdir "$T/other"
	cp -a "$T/image/." "$T/other/"
	ln -s "$T/host" "$T/link"
	cp "$T/image/bin/busybox" "$T/host/bin/busybox"
	ln -s busybox "$T/host/bin/sh"
	ln -s busybox "$T/host/bin/cat"
	mv "$T/other" "$T/swap"
	# swap is now the image, now a link to another folder
	python3 - "$T/swap" "$T/link" 3>&- <<'END' &
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
while os.path.exists(os.path.dirname(sys.argv[1])):
    libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)  # RENAME_EXCHANGE
    time.sleep(0.0003)
END
	local racer=$! i image=0 other=0
	for ((i = 0; i < 300; i++)); do
		# a run shows the one or the other, whole, or none
		sr -E "$T/swap" -- sh -c 'cat /bin/secret 2>/dev/null; cat /etc/own; echo x >/planted'
		case $status:$output in
		0:image) image=$((image + 1)) ;;
		0:$'host secret') other=$((other + 1)) ;;
		125:) ;;
		*) break ;;
		esac
	done
	kill "$racer"
	wait "$racer" || true
	assert_equal "$i" 300
	[ "$image" -gt 0 ] && [ "$other" -gt 0 ]
	assert_canaries
	assert_equal "$(find "$T/host" "$T/image" -name planted)" ""
}

@test "-E: errors: a file, '/', what is missing, a name, no root at all, no permission" {
	sr -E image/etc/own -- true
	assert_error 125 "not a folder" "hint: unpack it"
	local name
	for name in / /. // /proc/self/root; do
		sr -E "$name" -- true
		assert_error 125 "this machine's own root"
	done
	sr -E ./missing -- true
	assert_error 125 "No such file or directory" "hint: -E takes"
	sr -E debian12 -- true
	assert_error 125 "cannot find environment 'debian12'" "known is 'host'"
	mkdir "$T/empty"
	sr -E empty -- true
	assert_error 125 "holds no /usr and no /bin" "hint:"
	sr -E '' -- true
	assert_error 125 "its value is empty"
	if [ "$(id -u)" != 0 ]; then
		chmod 0 image
		sr -E image -- true
		assert_match "$status" '^12[567]$'
		assert_contains "$stderr" "ermission"
		chmod 755 image
	fi
	sr -E host -- true
	assert_success
	sr -E "$(printf 'x\033[31m\ny')" -- true
	assert_error 125
	assert_equal "$(tr -d -c '\033' <<<"$stderr" | wc -c)" 0
}

@test "-E: an image without a shell, with a broken one, of another kind" {
	rm "$T/image/bin/sh"
	inside true
	assert_success
	sr -E image --lang sh -c true
	assert_error 127 "sh"
	printf '#!/bin/sh\n' >"$T/a"
	sr -E image "$T/a"
	assert_error 127 "sh not found in the environment"
	echo 'no program' >"$T/image/bin/sh"
	chmod 755 "$T/image/bin/sh"
	sr -E image --lang sh -c true
	assert_error 126 "sh"
	chmod 644 "$T/image/bin/true"
	rm "$T/image/bin/sh"
	mkdir "$T/image/bin/sh"
	sr -E image --lang sh -c true
	assert_match "$status" '^12[67]$'
	# a dynamic program without its loader
	rmdir "$T/image/bin/sh"
	cp /usr/bin/env "$T/image/bin/dynamic"
	inside dynamic
	assert_error 127 "ELF loader"
}

@test "-E: a long path with blanks, commas, colons and backslashes" {
	local long
	long="$T/$(printf 'a%.0s' {1..200})/$(printf 'b%.0s' {1..200}) c,d:e\\f"
	mkdir -p "$long"
	mv image "$long/"
	sr -E "$long/image" -- cat /etc/own
	assert_success
	assert_output image
}

# --- --bind -----------------------------------------------------------------------------------------------------------------

@test "--bind: files and folders, read-only, at their own or another place" {
	mkdir -p "$T/folder/sub"
	echo text | tee "$T/file" "$T/folder/sub/file" >/dev/null
	sr --bind "$T/file" --bind "$T/folder:/data" --bind "$T/folder/sub:/work/in" --bind "$T/file:/a/b/c" -- \
		cat "$T/file" /data/sub/file /work/in/file /a/b/c
	assert_success
	assert_output $'text\ntext\ntext\ntext'
	sr --bind "$T/file:/x/file" --bind "$T/folder:/data" -- sh -c 'for n in /x/file /data/sub/file /data/new /x/new; do
		echo x 2>/dev/null >$n || echo refused; done; rm /x/file 2>/dev/null || chmod 777 /data 2>/dev/null || touch /data/sub/file 2>/dev/null || echo refused'
	assert_output $'refused\nrefused\nrefused\nrefused\nrefused'
	sr -E image --bind "$T/file:/x/file" --bind "$T/folder:/opt" --bind "$T/file:/bin/act" -- sh -c 'cat /x/file /opt/sub/file /bin/act
		echo x 2>/dev/null >/opt/new || echo refused; echo x 2>/dev/null >/bin/act || echo refused'
	assert_output $'text\ntext\ntext\nrefused\nrefused'
	assert_equal "$(find "$T/folder" "$T/file" -type f -exec cat {} + | sort -u)" text
}

@test "--bind: a folder's live content, a file's link is followed once" {
	mkdir "$T/folder"
	ln -s "$T/folder" "$T/way"
	echo one >"$T/folder/f"
	sr --bind "$T/way:/data" -- cat /data/f
	assert_output one
	canary "$T/secret"
	ln -s "$T/secret" "$T/folder/out"
	sr --bind "$T/folder:/data" -- cat /data/out
	assert_status 1
	assert_canaries
}

@test "--bind: below /usr only what is there can be covered; sandrun's own places cannot" {
	mkdir "$T/folder"
	echo text >"$T/folder/file"
	local place
	sr --bind "$T/folder:/usr/share/doc" -- ls /usr/share/doc
	assert_success
	assert_output file
	for place in /proc /proc/x /dev /dev/null /dev/shm/x /work /tmp /usr /usr/new /usr/bin/expr /bin/x /lib /etc /etc/x /var/tmp; do
		sr --bind "$T/folder:$place" -- true
		assert_error 125 "cannot bind" "the place inside" "hint:"
	done
	for place in /proc/x /dev/null /work /usr/new /usr/share/doc /etc/passwd; do
		sr --bind "$T/folder/file:$place" -- true
		assert_error 125 "cannot bind" "hint:"
	done
	for place in /proc/x /dev /work /tmp; do
		sr -E image --bind "$T/folder:$place" -- true
		assert_error 125 "cannot bind" "hint:"
	done
}

@test "--bind: what is refused: .., relative places, the root, FIFOs, sockets, devices, what is missing" {
	local place
	echo text >"$T/file"
	mkfifo "$T/pipe"
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("door")'
	ln -s "$T/pipe" "$T/way"
	for place in /a/../b /.. /a/.. /a//b /a/./b /. / /a/; do
		sr --bind "$T/file:$place" -- true
		assert_error 125 "no plain absolute path" "hint: --bind"
	done
	sr --bind "$T/file:a" -- true
	assert_error 125 "no absolute path"
	sr --bind / -- true
	assert_error 125 "own root"
	for place in pipe door way /dev/null; do
		sr --bind "$place:/x" -- true
		assert_error 125 "no regular file and no folder" "hint:"
	done
	sr --bind missing:/x -- true
	assert_error 125 "cannot bind missing" "No such file"
	sr --bind '' -- true
	assert_error 125 "hint:"
}

@test "--bind: a file exchanged for a FIFO or a link while runs start" {
	echo good >"$T/file"
	canary "$T/secret" "host secret"
	cp "$T/file" "$T/good"
	mkfifo "$T/pipe"
	(while [ -e "$T/good" ]; do
		ln -sfT "$T/pipe" "$T/file" && cp --remove-destination "$T/good" "$T/new" && mv -T "$T/new" "$T/file"
	done) 2>/dev/null 3>&- &
	local racer=$! i ran=0
	for ((i = 0; i < 100; i++)); do
		try timeout 20 "$SANDRUN" --bind "$T/file:/x" -- cat /x
		case $status in
		0) assert_output good || break; ran=$((ran + 1)) ;;
		125) assert_contains "$stderr" "sandrun: " || break ;;
		*) break ;;
		esac
	done
	kill "$racer"
	wait "$racer" || true
	assert_equal "$i" 100
	assert_canaries
}
