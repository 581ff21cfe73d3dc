#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 1-6 and 13-15: an environment image is hostile input. Nothing of it may make sandrun touch the host.

load ../lib/common
load hostile

setup() {
	H=$T/host
	canary "$H/secret" "a secret of the host"
	image "$T/img"
}

teardown() {
	stop_started
}

host_untouched() {
	assert_canaries && assert_equal "$(ls -A "$H")" secret
}

@test "case 1: an image whose /dev leads to a folder of the host" {
	ln -s "$H" "$T/img/dev"
	outside act read "$T/img/dev/secret"
	assert_contains "$output" "OK a secret"
	SR=(-E "$T/img")
	inside act ls /dev , read /dev/secret , stat /dev/null , create /dev/planted
	assert_success
	assert_output "ls /dev: OK fd full null ptmx pts random shm stderr stdin stdout tty urandom zero
read /dev/secret: ENOENT
stat /dev/null: OK 20666 65534:65534
create /dev/planted: OK"
	host_untouched
}

@test "case 2: every folder that sandrun mounts on is a link to the host in the image" {
	local name
	for name in proc sys tmp work etc run dev var; do
		ln -s "$H" "$T/img/$name"
		outside act read "$T/img/$name/secret"
		assert_contains "$output" "OK a secret"
	done
	SR=(-E "$T/img")
	inside act read /proc/secret , read /sys/secret , read /tmp/secret , read /work/secret , read /etc/secret , \
		read /run/secret , read /dev/secret , read /var/secret , create /tmp/here , create /work/here , \
		read /proc/self/comm , ls /work
	assert_success
	assert_output "read /proc/secret: ENOENT
read /sys/secret: ENOENT
read /tmp/secret: ENOENT
read /work/secret: ENOENT
read /etc/secret: ENOENT
read /run/secret: ENOENT
read /dev/secret: ENOENT
read /var/secret: ENOENT
create /tmp/here: OK
create /work/here: OK
read /proc/self/comm: OK act
ls /work: OK act here"
	host_untouched
}

@test "case 2: files of /etc that sandrun writes are links to the host in the image" {
	local name
	mkdir "$T/img/etc"
	for name in passwd group hosts nsswitch.conf resolv.conf hostname; do
		ln -s "$H/planted-$name" "$T/img/etc/$name"
	done
	SR=(-E "$T/img")
	inside act read /etc/passwd , stat /etc/passwd , stat /etc/resolv.conf
	assert_success
	assert_match "$output" "^read /etc/passwd: OK root:x:0:0:.*
stat /etc/passwd: OK 100444 1000:1000
stat /etc/resolv.conf: OK 100444 1000:1000$"
	host_untouched
}

@test "case 2: folders that sandrun mounts on are files, FIFOs and sockets in the image" {
	local name
	for name in proc tmp work etc; do
		echo x >"$T/img/$name"
	done
	mkfifo "$T/img/dev" "$T/img/run"
	SR=(-E "$T/img")
	inside act create /tmp/here , read /proc/self/comm , stat /dev/null
	assert_success
	assert_output "create /tmp/here: OK
read /proc/self/comm: OK act
stat /dev/null: OK 20666 65534:65534"
	host_untouched
}

@test "case 3: a bind below a folder that is a link to the host in the image makes nothing on the host" {
	canary "$T/shown/file" "shown by --bind"
	ln -s "$H" "$T/img/a"
	ln -s "../../../../../../../../../../..$H" "$T/img/b"
	SR=(-E "$T/img" --bind "$T/shown:/a/below" --bind "$T/shown:/b/below/deep")
	inside act read /a/below/file , read /b/below/deep/file
	# Either sandrun refuses, or the folders are its own.
	if [ "$status" -eq 0 ]; then
		assert_output "read /a/below/file: OK shown by --bind
read /b/below/deep/file: OK shown by --bind"
	else
		assert_error 125
	fi
	host_untouched
	# The control: the same bind where no link is in the way.
	image "$T/plain"
	SR=(-E "$T/plain" --bind "$T/shown:/a/below")
	inside act read /a/below/file , write /a/below/file
	assert_output "read /a/below/file: OK shown by --bind
write /a/below/file: EROFS"
	host_untouched
}

@test "case 4: an image that is exchanged for a link to the host's root in 600 starts" {
	local i ran=0 refused=0 stop=$T/stop
	image "$T/good"
	cp "$(probe act)" "$T/good/usr/bin/act"
	mkdir -p "$T/evil/usr/bin"
	cp "$(probe act)" "$T/evil/usr/bin/act"
	ln -s "$H" "$T/evil/dev"
	echo "the wrong image" >"$T/evil/wrong"
	ln -s "$T/good" "$T/link"
	(
		trap 'exit 0' TERM
		until [ -e "$stop" ]; do
			ln -sfn / "$T/link.new" && mv -T "$T/link.new" "$T/link"
			ln -sfn "$T/evil" "$T/link.new" && mv -T "$T/link.new" "$T/link"
			ln -sfn "$T/good" "$T/link.new" && mv -T "$T/link.new" "$T/link"
		done
	) 3>&- &
	local swapper=$!
	for ((i = 0; i < 600; i++)); do
		if sr_raw -q -E "$T/link" -- /usr/bin/act ls "$H" , ls /root , ls /home >"$T/out" 2>"$T/err"; then
			ran=$((ran + 1))
			if [ "$(cat "$T/out")" != "ls $H: ENOENT
ls /root: ENOENT
ls /home: ENOENT" ]; then
				touch "$stop"
				sr_fail "run $i saw the host: $(cat "$T/out")"
			fi
		else
			refused=$((refused + 1))
			grep -q '^sandrun: ' "$T/err" || { touch "$stop"; sr_fail "run $i: $(cat "$T/err")"; }
		fi
	done
	touch "$stop"
	wait "$swapper"
	# The race was met on both sides, or it proves nothing.
	[ "$ran" -gt 0 ] && [ "$refused" -gt 0 ] || sr_fail "ran $ran, refused $refused"
	host_untouched
}

@test "case 5: /dev/null of the image is a link to the host; masked entries of /proc stay unreadable" {
	mkdir "$T/img/dev"
	ln -s "$H/secret" "$T/img/dev/null"
	ln -s "$H/secret" "$T/img/dev/zero"
	SR=(-E "$T/img")
	inside act size /proc/kallsyms , size /proc/keys , stat /proc/kallsyms , read /dev/null , write /dev/null
	assert_success
	assert_output "size /proc/kallsyms: OK 0
size /proc/keys: OK 0
stat /proc/kallsyms: OK 20666 65534:65534
read /dev/null: OK
write /dev/null: OK"
	outside act size /proc/kallsyms
	assert_match "$output" "size /proc/kallsyms: OK [1-9]"
	host_untouched
}

@test "case 6: /dev/pts, /dev/ptmx and /dev/shm of the image are links to the host" {
	mkdir "$T/img/dev"
	ln -s "$H" "$T/img/dev/pts"
	ln -s "$H" "$T/img/dev/shm"
	ln -s "$H/secret" "$T/img/dev/ptmx"
	ln -s "$H/secret" "$T/img/dev/console"
	SR=(-E "$T/img")
	inside act ls /dev/pts , create /dev/shm/here , readlink /dev/ptmx , read /dev/console
	assert_success
	assert_output "ls /dev/pts: OK ptmx
create /dev/shm/here: OK
readlink /dev/ptmx: OK pts/ptmx
read /dev/console: ENOENT"
	host_untouched
}

@test "case 9: an image's program that is a link to /proc/self/exe, by name, path and shebang" {
	local before
	before=$(cksum <"$SANDRUN")
	ln -s /proc/self/exe "$T/img/usr/bin/self"
	ln -s /proc/1/exe "$T/img/usr/bin/init"
	ln -s ../../proc/self/exe "$T/img/usr/bin/climb"
	printf '#!/proc/self/exe\n' >"$T/img/usr/bin/shebang"
	printf '#!/usr/bin/self\n' >"$T/script"
	chmod +x "$T/img/usr/bin/shebang"
	sr -E "$T/img" -- self
	assert_error 127
	sr -E "$T/img" -- /usr/bin/init
	assert_error 127
	sr -E "$T/img" -- climb
	assert_error 127
	sr -E "$T/img" -- /proc/self/exe
	assert_error 127
	sr -E "$T/img" -- shebang
	assert_status 126
	assert_equal "$output" ""
	sr -E "$T/img" "$T/script"
	assert_error 127
	sr -- /proc/self/exe
	assert_error 127
	# The control: a link that stays in the image is followed.
	cp "$(probe act)" "$T/img/usr/bin/act"
	ln -s act "$T/img/usr/bin/fine"
	sr -E "$T/img" -- fine say hello
	assert_output "say hello: OK"
	assert_equal "$(cksum <"$SANDRUN")" "$before"
}

@test "case 13: set-id programs in an image and made in it give nothing" {
	local path=$T/img/usr/bin/ids
	cp "$(probe ids)" "$path"
	chmod 6755 "$path"
	[ -u "$path" ] && [ -g "$path" ]
	SR=(-E "$T/img")
	inside ids exec /usr/bin/ids
	assert_success
	assert_equal "${lines[0]}" "uid 1000 1000 gid 1000 1000"
	assert_contains "$output" "CapEff: 0000000000000000"
	assert_contains "$output" "CapPrm: 0000000000000000"
	assert_contains "$output" "NoNewPrivs: 1"
	assert_contains "$output" "setuid 0: EINVAL"
	# The bit may be set inside, on a file of one's own; it means nothing there and does not reach the image.
	chmod 755 "$path"
	inside act setuid /usr/bin/ids , stat /usr/bin/ids
	assert_success
	assert_equal "$(stat -c %a "$path")" 755
	host_untouched
}

@test "case 14: nodes cannot be made inside, and those of an image do not open" {
	mkfifo "$T/img/pipe"
	# Where the machine lets an ordinary user make one, an image may hold a whiteout: a device with number 0:0.
	mknod "$T/img/white" c 0 0 2>/dev/null || true
	SR=(-E "$T/img")
	inside act char /tmp/c , block /tmp/b , char /usr/c , block /work/b , fifo /tmp/f , fifo /work/f , create /usr/file
	assert_success
	assert_output "char /tmp/c: EPERM
block /tmp/b: EPERM
char /usr/c: EPERM
block /work/b: EPERM
fifo /tmp/f: OK
fifo /work/f: OK
create /usr/file: OK"
	[ ! -e "$T/img/usr/file" ]
	inside act stat /white
	assert_output "stat /white: ENOENT"
	outside act fifo "$T/f" , create "$T/file"
	assert_output "fifo $T/f: OK
create $T/file: OK"
	host_untouched
}

@test "case 14: a FIFO and a socket of an image lead to nobody on the host" {
	mkfifo "$T/img/fifo"
	start arrived "$(probe local)" hold "$T/img/fifo"
	start served "$(probe local)" serve "$T/img/sock"
	SR=(-E "$T/img")
	inside local connect /sock
	assert_output "connect: ECONNREFUSED"
	# Without a reader inside, a write would wait for ever: opened without blocking it fails.
	SR=(-E "$T/img" -t 1)
	inside act write /fifo
	assert_status 124
	assert_equal "$(cat "$T/arrived")" ready
	outside local connect "$T/img/sock"
	assert_contains "$output" "heard hello"
	outside act write "$T/img/fifo"
	wait_for 5 grep -q arrived "$T/arrived"
}

# Linux 6.6 and later; the upper folder of an image's overlay is a tmpfs.
user_xattrs_in_tmpfs() {
	[ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.6 ]
}

@test "case 15: overlay attributes in an image, and set inside, lead nowhere" {
	local kept
	mkdir -p "$T/img/dir" "$T/img/other"
	echo "of the image" >"$T/img/other/file"
	echo "meta" >"$T/img/meta"
	on_host "$(probe act)" setxattr "$T/img/dir" user.overlay.redirect "/other"
	on_host "$(probe act)" setxattr "$T/img/other" user.overlay.redirect "/../..$H"
	on_host "$(probe act)" setxattr "$T/img/meta" user.overlay.metacopy ""
	"$(probe act)" setxattr "$T/img/meta" user.overlay.redirect "/../..$H/secret" , \
		setxattr "$T/img/dir" trusted.overlay.opaque y >/dev/null
	SR=(-E "$T/img")
	inside act ls /dir , read /other/secret , size /meta , filecap /usr/bin , filecap /tmp , \
		setxattr /usr/bin trusted.overlay.redirect / , setxattr /usr/bin user.overlay.redirect / , ls /usr
	assert_success
	kept=OK
	user_xattrs_in_tmpfs || kept=EOPNOTSUPP
	assert_output "ls /dir: OK
read /other/secret: ENOENT
size /meta: EPERM
filecap /usr/bin: EPERM
filecap /tmp: EPERM
setxattr /usr/bin: EPERM
setxattr /usr/bin: $kept
ls /usr: OK bin"
	# The last one is kept in memory, where overlayfs itself does not read it, and not in the image.
	outside act getxattr "$T/img/usr/bin" user.overlay.redirect
	assert_contains "$output" ENODATA
	outside_ns act filecap "$T/img/meta"
	assert_contains "$output" OK
	host_untouched
}

@test "an image's name with the overlay's own separators is a name" {
	image "$T/a:b,upperdir=x\\,lowerdir="
	echo colon >"$T/a:b,upperdir=x\\,lowerdir=/file"
	SR=(-E "$T/a:b,upperdir=x\\,lowerdir=")
	inside act read /file
	assert_success
	assert_output "read /file: OK colon"
	host_untouched
}

@test "what a payload does to an image stays in memory" {
	echo original >"$T/img/usr/bin/file"
	SR=(-E "$T/img")
	inside act write /usr/bin/file , unlink /usr/bin/file , create /usr/bin/file , mkdir /usr/new , rename /usr/bin /usr/lost
	assert_success
	assert_output "write /usr/bin/file: OK
unlink /usr/bin/file: OK
create /usr/bin/file: OK
mkdir /usr/new: OK
rename /usr/bin: EXDEV"
	assert_equal "$(cat "$T/img/usr/bin/file") $(cd "$T/img" && find . | sort | tr '\n' ' ')" \
		"original . ./usr ./usr/bin ./usr/bin/file "
	host_untouched
}
