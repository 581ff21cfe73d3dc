#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 7-12 and 16-18, and standard input and output as ways to a host file.

load ../lib/common
load hostile

@test "case 7: no descriptor leads to a folder of the host, and no cwd is unreachable" {
	outside fds serve "$(probe fds)" chdir
	assert_contains "$output" "/proc/self/fd/200 leads to /"
	sr_capture sr_raw "$(probe fds)" chdir </dev/null
	assert_success
	assert_output tried
	# The caller holds descriptors 3..200 to / and to a file, without close-on-exec.
	try "$(probe fds)" serve "$SANDRUN" "$(probe fds)" chdir </dev/null
	assert_success
	assert_output tried
	mkdir "$T/project" "$T/gone"
	cd "$T/gone" && rmdir "$T/gone"
	sr -- /bin/pwd
	assert_output /work
}

@test "case 7: the caller's folder is not the payload's" {
	canary "$T/here/secret"
	cd "$T/here"
	inside act chdir . , chdir .. , chdir /proc/self/cwd , chdir /proc/self/root , read secret , read ../../secret
	assert_success
	assert_output "chdir .: OK /work
chdir ..: OK /
chdir /proc/self/cwd: OK /
chdir /proc/self/root: OK /
read secret: ENOENT
read ../../secret: ENOENT"
	outside act read secret
	assert_contains "$output" OK
	assert_canaries
}

@test "case 8: of 200 open descriptors of the caller the payload has 0, 1 and 2, and those are pipes" {
	outside fds serve "$(probe fds)"
	assert_contains "$output" "200 directory"
	try "$(probe fds)" serve "$SANDRUN" "$(probe fds)" </dev/null
	assert_success
	assert_output "0 pipe
1 pipe
2 pipe"
	# Also for a child of the payload, and through an interpreter.
	sr --lang bash -c 'echo /proc/self/fd/*'
	assert_output "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3"
}

@test "case 8: a caller with standard streams closed" {
	"$(probe fds)" closed "$SANDRUN" --report "$T/report.json" "$(probe fds)" 3>&- || true
	# No stream, no output; but the run must not have taken another descriptor for it.
	[ ! -e "$T/report.json" ] || assert_match "$(jq -r .outcome "$T/report.json")" '^(exited|setup-failed|signaled)$'
	sr_raw -- /bin/echo hello >"$T/out" <&-
	assert_equal "$(cat "$T/out")" hello
}

@test "case 9: the running programs, PID 1's and sandrun's cannot be written" {
	local before
	before=$(cksum <"$SANDRUN")
	cp "$(probe act)" "$T/own"
	outside overwrite "$T/own"
	assert_contains "$output" "$T/own write: OK"
	# The payload's own copy of its program is its own: it may change the mode, and still not write what runs.
	inside overwrite /proc/self/exe /proc/1/exe /work/overwrite /bin/sh /lib64/ld-linux-x86-64.so.2 /usr/bin/env
	assert_success
	assert_output "/proc/self/exe write: EACCES
/proc/self/exe read-write: EACCES
/proc/self/exe chmod: OK
/proc/self/exe utimens: OK
/proc/1/exe write: ENOENT
/proc/1/exe read-write: ENOENT
/proc/1/exe chmod: ENOENT
/proc/1/exe utimens: ENOENT
/work/overwrite write: ETXTBSY
/work/overwrite read-write: ETXTBSY
/work/overwrite chmod: OK
/work/overwrite utimens: OK
/bin/sh write: EROFS
/bin/sh read-write: EROFS
/bin/sh chmod: EROFS
/bin/sh utimens: EROFS
/lib64/ld-linux-x86-64.so.2 write: EROFS
/lib64/ld-linux-x86-64.so.2 read-write: EROFS
/lib64/ld-linux-x86-64.so.2 chmod: EROFS
/lib64/ld-linux-x86-64.so.2 utimens: EROFS
/usr/bin/env write: EROFS
/usr/bin/env read-write: EROFS
/usr/bin/env chmod: EROFS
/usr/bin/env utimens: EROFS"
	assert_equal "$(cksum <"$SANDRUN")" "$before"
}

@test "case 10: no mount of the host is left, and chroot does not lead out" {
	local mounts
	canary "$T/secret"
	sr -- /bin/cat /proc/self/mountinfo
	assert_success
	mounts=$(printf '%s\n' "$output" | awk '{ print $5 }' | sort | tr '\n' ' ')
	local devices='/dev/full /dev/null /dev/pts /dev/random /dev/shm /dev/tty /dev/urandom /dev/zero'
	assert_match "$mounts" "^/ $devices (/etc[^ ]* )+/proc (/proc/[a-z.-]+ )+/tmp /usr /work $"
	refute_contains "$output" "$T"
	refute_contains "$output" "$HOME"
	refute_contains "$output" "$TOP"
	# Every mount but single devices, devpts and /proc refuses set-id programs and devices.
	assert_equal "$(printf '%s\n' "$output" | awk '$5 !~ "^/(dev|proc)/" && $6 !~ /nosuid,nodev/' | wc -l)" 0
	inside calls mount
	refute_contains "$output" OK
	inside act ls /.. , ls /../../../home , read "$T/secret" , ls /proc/self/root/home , ls /old , resolve "$T/secret" , \
		resolve /etc/passwd
	assert_match "$output" "^ls /..: OK [a-z0-9 ]* work
ls /../../../home: ENOENT
read $T/secret: ENOENT
ls /proc/self/root/home: ENOENT
ls /old: ENOENT
resolve $T/secret: ENOENT
resolve /etc/passwd: OK$"
	assert_canaries
}

@test "case 11: a bind cannot be written, remounted, or left" {
	canary "$T/dir/file" "shown"
	canary "$T/beside" "not shown"
	canary "$T/one" "one file"
	ln -s ../beside "$T/dir/up"
	ln -s "$T/beside" "$T/dir/absolute"
	SR=(--bind "$T/dir:/mnt/dir" --bind "$T/one:/mnt/one")
	inside act read /mnt/dir/file , read /mnt/one , write /mnt/dir/file , append /mnt/one , create /mnt/dir/new , \
		unlink /mnt/dir/file , truncate /mnt/one , read /mnt/dir/up , read /mnt/dir/absolute , read /mnt/dir/../beside , \
		setuid /mnt/dir/file , rename /mnt/dir/file /mnt/dir/other , link /mnt/dir/file /work/linked
	assert_success
	assert_output "read /mnt/dir/file: OK shown
read /mnt/one: OK one file
write /mnt/dir/file: EROFS
append /mnt/one: EROFS
create /mnt/dir/new: EROFS
unlink /mnt/dir/file: EROFS
truncate /mnt/one: EROFS
read /mnt/dir/up: ENOENT
read /mnt/dir/absolute: ENOENT
read /mnt/dir/../beside: ENOENT
setuid /mnt/dir/file: EROFS
rename /mnt/dir/file: EROFS
link /mnt/dir/file: EXDEV"
	assert_canaries
	outside act write "$T/dir/file" , read "$T/dir/up"
	assert_output "write $T/dir/file: OK
read $T/dir/up: OK not shown"
}

@test "case 12: /usr, /etc and / cannot be changed, and the host's are as they were" {
	local before
	before=$(stat -c '%n %Y %Z %i' /usr /usr/bin /usr/bin/env /usr/lib /etc /etc/passwd /dev /dev/null /tmp | grep -v '^/tmp')
	inside act create /usr/bin/planted , mkdir /usr/planted , unlink /usr/bin/env , rename /usr/bin/env /usr/bin/env2 , \
		truncate /usr/bin/env , create /etc/planted , write /etc/passwd , unlink /etc/passwd , create /planted , \
		mkdir /planted , create /dev/planted , unlink /dev/null , create /var/planted , create /run/planted , \
		create /proc/planted , symlink /tmp /lib/planted , rmdir /usr , rename /usr /usr2
	assert_success
	refute_contains "$output" OK
	assert_equal "$(printf '%s\n' "$output" | wc -l)" 18
	assert_equal "$(printf '%s\n' "$output" | grep -c -E ': (EROFS|EACCES|EBUSY|EXDEV|ENOENT)$')" 18
	inside act create /tmp/planted , mkdir /work/dir , create /dev/shm/planted
	assert_output "create /tmp/planted: OK
mkdir /work/dir: OK
create /dev/shm/planted: OK"
	assert_equal "$(stat -c '%n %Y %Z %i' /usr /usr/bin /usr/bin/env /usr/lib /etc /etc/passwd /dev /dev/null /tmp |
		grep -v '^/tmp')" "$before"
	[ ! -e /tmp/planted ] && [ ! -e /dev/shm/planted ]
}

@test "case 13: set-id programs of the host's /usr run as the payload's user" {
	local name found=
	for name in /usr/bin/su /usr/bin/mount /usr/bin/passwd /usr/bin/chsh /usr/bin/newgrp; do
		[ -u "$name" ] && found=$name
	done
	[ -n "$found" ] # the control: the machine has one
	sr --lang sh -c "stat -c '%a %u' $found; cp $found /work/copy; chmod 4755 /work/copy; stat -c '%a %u' /work/copy
		cp /usr/bin/id /work/id; chmod 6755 /work/id; /work/id -u; /work/id -ru; grep NoNewPrivs /proc/self/status"
	assert_success
	assert_equal "${lines[1]}" "4755 1000"
	assert_equal "${lines[2]}" 1000
	assert_equal "${lines[3]}" 1000
	assert_match "${lines[4]}" 'NoNewPrivs:.1'
	sr -- "$found" --version
	refute_contains "$output$stderr" "uid=0"
}

@test "case 16: links and renames between what may be written and what may not" {
	canary "$T/in.txt" "an input"
	SR=(-i "$T/in.txt")
	inside act link /usr/bin/env /work/env , link /etc/passwd /tmp/passwd , rename /usr/bin/env /work/env , \
		rename /work/in.txt /usr/in.txt , link /proc/self/exe /work/exe , write /work/in.txt , truncate /work/in.txt , \
		link /work/in.txt /work/hard , write /work/hard , rename /work/in.txt /work/moved , read /work/moved , \
		resolve /usr/bin/env , symlink /usr/bin/env /work/soft , write /work/soft , create /work/../etc/x
	assert_success
	assert_output "link /usr/bin/env: EXDEV
link /etc/passwd: EXDEV
rename /usr/bin/env: EXDEV
rename /work/in.txt: EXDEV
link /proc/self/exe: EXDEV
write /work/in.txt: EACCES
truncate /work/in.txt: EACCES
link /work/in.txt: OK
write /work/hard: EACCES
rename /work/in.txt: OK
read /work/moved: OK an input
resolve /usr/bin/env: OK
symlink /usr/bin/env: OK
write /work/soft: EROFS
create /work/../etc/x: EROFS"
	assert_canaries
}

@test "case 17: /tmp, /dev/shm and /work of one run are not another's, in parallel and one after the other" {
	local m pid
	m=$(mark)
	printf 'echo of A >/tmp/%s; echo of A >/dev/shm/%s; echo of A >/work/%s; echo ready; cat >/dev/null\n' "$m" "$m" "$m" \
		>"$T/a.sh"
	mkfifo "$T/end"
	sr_raw "$T/a.sh" <"$T/end" >"$T/a.out" &
	pid=$!
	exec 9>"$T/end"
	wait_for 5 grep -q ready "$T/a.out"
	[ ! -e "/tmp/$m" ] && [ ! -e "/dev/shm/$m" ]
	inside act read "/tmp/$m" , read "/dev/shm/$m" , read "/work/$m" , ls /tmp , ls /dev/shm , create "/dev/shm/$m"
	assert_output "read /tmp/$m: ENOENT
read /dev/shm/$m: ENOENT
read /work/$m: ENOENT
ls /tmp: OK
ls /dev/shm: OK
create /dev/shm/$m: OK"
	exec 9>&-
	wait "$pid"
	inside act ls /tmp , ls /dev/shm , ls /work
	assert_output "ls /tmp: OK
ls /dev/shm: OK
ls /work: OK act"
	[ ! -e "/dev/shm/$m" ]
}

@test "case 18: outputs that are links, at the end and on the way, are not followed" {
	canary "$T/home/.ssh/authorized_keys" "the user's keys"
	canary "$T/home/profile" "the user's profile"
	mkdir "$T/out"
	cat >"$T/plant.sh" <<END
ln -s $T/home/.ssh/authorized_keys /work/keys
ln -s /etc/passwd /work/passwd
ln -s ../../../../../../../..$T/home/profile /work/up
mkdir /work/real; echo fine >/work/real/file
ln -s $T/home /work/dir
ln -s real /work/alias
ln -s /proc/self/root /work/root
echo fine >/work/regular
END
	cd "$T"
	sr -o '*' -o '*/*' -O "$T/out" "$T/plant.sh"
	assert_status 0
	assert_equal "$(cd "$T/out" && find . ! -type d | sort | tr '\n' ' ')" "./plant.sh ./real/file ./regular "
	assert_equal "$(find "$T/out" -type l | wc -l)" 0
	assert_canaries
}

@test "case 18: destinations that are links on the host are not followed" {
	canary "$T/victim" "precious"
	canary "$T/elsewhere/kept" "kept"
	mkdir "$T/out"
	ln -s "$T/victim" "$T/out/result"
	ln -s "$T/elsewhere" "$T/out/sub"
	ln -s "$T/not-there" "$T/out/dangling"
	cd "$T"
	sr -o result -O "$T/out" --lang sh -c 'echo evil >/work/result'
	[ "$status" -ne 0 ]
	sr --force -o result -o dangling -O "$T/out" --lang sh -c 'echo new >/work/result; echo new >/work/dangling'
	sr --force -o 'sub/*' -O "$T/out" --lang sh -c 'mkdir /work/sub; echo evil >/work/sub/planted; echo evil >/work/sub/kept'
	assert_canaries
	[ ! -e "$T/elsewhere/planted" ] && [ ! -e "$T/not-there" ]
	# The control: where no link stands, the same run writes.
	sr -o 'sub/*' -O "$T/out2" --lang sh -c 'mkdir /work/sub; echo good >/work/sub/planted'
	assert_success
	assert_equal "$(cat "$T/out2/sub/planted")" good
}

# --- standard input and output ----------------------------------------------------------------------------------------

@test "a host file as standard input or output cannot be opened again, read, moved in or cut" {
	local seen
	printf 'input line\n' >"$T/in"
	printf 'what was there before\n' >"$T/out"
	on_host sh -c "'$(probe reopen)' <'$T/in' 1<>'$T/out' 2>'$T/err'"
	assert_contains "$(cat "$T/err")" "/proc/self/fd/0 write: written"
	assert_contains "$(cat "$T/err")" "/proc/self/fd/1 read: a regular file"
	printf 'input line\n' >"$T/in"
	printf 'what was there before\n' >"$T/out"
	canary "$T/in" "input line"
	sr_raw -q "$(probe reopen)" <"$T/in" >>"$T/out" 2>"$T/err"
	assert_canaries
	assert_equal "$(cat "$T/out")" "what was there before"
	seen=$(cat "$T/err")
	refute_contains "$seen" "regular file"
	refute_contains "$seen" "written"
	assert_contains "$seen" "lseek 0: ESPIPE
lseek 1: ESPIPE
pwrite 1: ESPIPE
ftruncate 1: EINVAL
pwrite 0: ESPIPE
ftruncate 0: EINVAL
mmap 0: ENODEV"
	assert_contains "$seen" "fd 0: pipe:
fd 1: pipe:
fd 2: pipe:"
}

@test "standard output to a file in the middle: only what was written is appended" {
	printf 'AAAABBBBCCCC' >"$T/file"
	exec 8<>"$T/file"
	sr_raw -q --lang sh -c 'printf xx; exec 9>/proc/self/fd/1; printf yy >&9; printf zz >/dev/stdout' >&8
	exec 8>&-
	assert_equal "$(cat "$T/file")" xxyyzzBBCCCC
}
