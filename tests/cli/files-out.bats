#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Files on their way out: -o, -O, --output-archive, --force, --strict. Everything the payload leaves is hostile.

load ../lib/common

setup() {
	cd "$T" || return 1
	mkdir host
}

assert_refused() {
	assert_error "$@" || return 1
	assert_match "${stderr_lines[0]}" '^sandrun: [a-z]+: cannot ' || return 1
	assert_match "${stderr_lines[1]-}" '^hint: .' || return 1
	assert_equal "${#stderr_lines[@]}" 2
}

# What lies below a folder, sorted, one line.
listing() {
	(cd "$1" && find . -mindepth 1 | sort | tr '\n' ' ')
}

@test "outputs come out by pattern, without execute bits, folders made" {
	umask 022
	sr -o 'out/**/*.png' -o note.txt -O host -- sh -c '
		mkdir -p out/deep && printf png >out/a.png && printf deep >out/deep/b.png && printf no >out/c.txt
		echo note >note.txt && chmod 6777 out/a.png'
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(listing host)" "./note.txt ./out ./out/a.png ./out/deep ./out/deep/b.png "
	assert_equal "$(cat host/out/a.png)" png
	assert_equal "$(stat -c %a host/out/a.png)" 644
}

@test "without -O they go to the current folder; the umask holds" {
	cd host
	umask 077
	sr -o 'a' -- sh -c 'echo a >a'
	assert_success
	assert_equal "$(cat a)" a
	assert_equal "$(stat -c %a a)" 600
}

@test "a folder's name takes all beneath it, but no dot names" {
	sr -o out -O host -- sh -c 'mkdir -p out/.git/hooks out/x && echo evil >out/.git/hooks/post-checkout && echo e >out/.bashrc && echo a >out/x/a'
	assert_success
	assert_equal "$(listing host)" "./out ./out/x ./out/x/a "
	sr -o '**' -O host -- sh -c 'mkdir .git; echo evil >.git/config; echo e >.profile; echo b >b'
	assert_success
	assert_equal "$(listing host)" "./b ./out ./out/x ./out/x/a "
	sr -o '.wanted' -O host -- sh -c 'echo w >.wanted'
	assert_equal "$(cat host/.wanted)" w
}

@test "the report has outputs with the digest of what was written" {
	require_cmd jq
	sr -o 'r.*' -O host --report "$T/report.json" -- sh -c 'printf abc >r.txt'
	assert_success
	assert_equal "$(report '.outputs[0].name')" r.txt
	assert_equal "$(report '.outputs[0].bytes')" 3
	assert_equal "$(report '.outputs[0].sha256')" "$(sha256sum <host/r.txt | cut -d' ' -f1)"
}

@test "a script that fails still gives its outputs, and its own status" {
	sr -o a -O host -- sh -c 'echo a >a; exit 3'
	assert_status 3
	assert_equal "$(cat host/a)" a
}

@test "links are never followed: to a file, to a folder, absolute, on the way" {
	canary secret "host canary"
	sr -o '*' -o 'd/*' -O host -- sh -c "
		ln -s $T/secret abs; ln -s ../../../../../../$T/secret rel; ln -s / d; ln -s /etc/passwd p; echo ok >plain"
	assert_success
	assert_equal "$(listing host)" "./plain "
	assert_contains "$stderr" "output 'abs' is not copied: it is a symbolic link"
	assert_contains "$stderr" "output 'd' is not copied: it is a symbolic link"
	assert_contains "$stderr" "output pattern 'd/*' matched nothing"
	on_host cat "$T/secret"
	assert_canaries
}

@test "a FIFO, a socket, a folder of the name: nobody waits" {
	sr -t 20 -o '*' -O host -- python3 -c '
import os, socket
os.mkfifo("fifo"); socket.socket(socket.AF_UNIX).bind("sock"); os.mkdir("folder"); open("plain", "w").write("x")'
	assert_success
	assert_equal "$(listing host)" "./plain "
	assert_contains "$stderr" "output 'fifo' is not copied: it is a FIFO"
	assert_contains "$stderr" "output 'sock' is not copied: it is a socket"
}

@test "a hard link comes out by value" {
	sr -o 'b' -O host -- sh -c 'echo x >a; ln a b'
	assert_success
	assert_equal "$(stat -c %h host/b)" 1
}

@test "odd names come out byte for byte and are escaped in messages" {
	sr -o '*' -O host -- python3 -c '
import os
for n in (b"a\nb\x1b[31m", b"\xff\xfe", b"-rf", b"n" * 255): open(n, "w").write("x")
os.symlink("x", b"l\n\x1b]0;t\x07")'
	assert_success
	[ -e host/$'a\nb\e[31m' ]
	[ -e host/$'\xff\xfe' ]
	[ -e host/-rf ]
	[ -e "host/$(printf 'n%.0s' {1..255})" ]
	assert_contains "$stderr" "'l\\x0a\\x1b]0;t\\x07' is not copied"
	refute_contains "$stderr" $'\e'
}

@test "folders and files of mode 000 come out" {
	sr -o '**' -O host -- sh -c 'mkdir -p shut/in && echo a >shut/in/a && chmod 0 shut/in/a shut/in shut'
	assert_success
	assert_equal "$(cat host/shut/in/a)" a
}

@test "a pattern that matches nothing is a warning" {
	sr -o 'no*.png' -o '*.txt' -O host -- sh -c 'echo a >a.txt'
	assert_success
	assert_equal "$stderr" "sandrun: output pattern 'no*.png' matched nothing"
	assert_equal "$(listing host)" "./a.txt "
}

@test "with --strict it is status 125, and nothing is copied" {
	sr_raw --strict -- true </dev/null >/dev/null 2>&1 || skip "--strict refuses the limits of this machine"
	sr --strict -o 'no*.png' -o '*.txt' -O host -- sh -c 'echo a >a.txt'
	assert_status 125
	assert_contains "$stderr" "cannot bring 'no*.png' out: the pattern matched nothing"
	assert_equal "$(listing host)" ""
}

@test "patterns that lead out are refused before anything runs" {
	local p
	for p in /etc/passwd ../x a/../../b; do
		sr -o "$p" -O host -- sh -c 'echo ran >&2'
		assert_refused 125 "cannot take pattern"
		refute_contains "$stderr" ran
	done
	sr -o /work/out/a -- true
	assert_refused 125 "it is absolute" "-o 'out/a'"
}

@test "an existing file is not overwritten; nothing else is copied then" {
	canary host/b old
	sr -o '?' -O host -- sh -c 'echo a >a; echo b >b'
	assert_status 125
	assert_contains "$stderr" "cannot copy 'b' to 'host': it exists there"
	assert_contains "$stderr" "--force"
	assert_equal "$(listing host)" "./b "
	assert_canaries
	sr -o '?' -O host --force -- sh -c 'echo a >a; echo b >b'
	assert_success
	assert_equal "$(cat host/b)" b
	assert_equal "$(listing host)" "./a ./b "
}

@test "an output without wildcards that exists is refused before anything runs" {
	canary host/a old
	sr -o a -O host -- sh -c 'echo ran >&2; echo new >a'
	assert_refused 125 "it exists there"
	refute_contains "$stderr" ran
	assert_canaries
}

@test "planted links at the destination are not followed" {
	mkdir outside
	canary outside/keys canary
	ln -s ../outside host/sub
	ln -s ../outside/keys host/keys
	sr -o 'sub/*' -O host -- sh -c 'mkdir sub; echo evil >sub/keys'
	assert_status 125
	assert_contains "$stderr" "on the way there is a symbolic link"
	sr -o 'sub/*' -O host --force -- sh -c 'mkdir sub; echo evil >sub/keys'
	assert_status 125
	sr -o 'k*' -O host -- sh -c 'echo evil >keys'
	assert_status 125
	assert_canaries
	sr -o 'k*' -O host --force -- sh -c 'echo new >keys'
	assert_success
	assert_equal "$(cat host/keys)" new
	[ ! -L host/keys ]
	assert_canaries
	ln -s outside linked
	sr -o a -O linked -- sh -c 'echo a >a'
	assert_refused 125 "it is a symbolic link" "-O '$T/outside'"
	assert_equal "$(listing outside)" "./keys "
}

@test "a destination that is missing is made, its parents are not; one that cannot be used is refused first" {
	sr -o a -O host/new -- sh -c 'echo a >a'
	assert_success
	assert_equal "$(cat host/new/a)" a
	sr -o a -O host/none/new -- sh -c 'echo ran >&2'
	assert_refused 125 "the folder above it does not exist" "mkdir -p 'host/none'"
	echo file >host/file
	sr -o a -O host/file -- true
	assert_refused 125 "Not a directory"
	sr -o nothing -O host/unused -- true
	assert_success
	[ ! -e host/unused ]
}

@test "a destination without permission" {
	require_user
	mkdir -m 0555 locked
	sr -o a -O locked -- sh -c 'echo ran >&2'
	assert_refused 125 "Permission denied"
}

@test "a destination that takes only a part: an error, nothing half-made left" {
	limited() { (
		trap "" XFSZ
		ulimit -S -f 100
		sr_raw "$@"
	) }
	run --separate-stderr limited -o '*' -O host -- sh -c 'echo a >a' # control: what fits comes out
	assert_success
	assert_equal "$(listing host)" "./a "
	rm host/a
	# a soft limit is the caller's alone: the payload has its own from the profile
	run --separate-stderr limited -o '*' -O host/new -- sh -c 'echo a >a; head -c 400000 /dev/zero | tr "\\0" x >b'
	assert_status 125
	assert_contains "$stderr" "cannot copy 'b' out: File too large"
	assert_equal "$(listing host)" ""
}

@test "limits on files and bytes: the first come out, a warning says so" {
	printf '[profile]\nextends = default\n[output]\nfiles.max = 3\nbytes.max = 1M\n' >small.ini
	sr -p ./small.ini -o '*' -O host -- sh -c 'for i in 1 2 3 4 5; do echo $i >$i; done'
	assert_success
	assert_equal "$(listing host)" "./1 ./2 ./3 "
	assert_contains "$stderr" "(files.max)"
	rm host/*
	sr -p ./small.ini -o '*' -O host -- sh -c 'echo a >a; truncate -s 200M b; echo c >c'
	assert_equal "$(listing host)" "./a "
	assert_contains "$stderr" "(bytes.max)"
}

@test "a sparse file neither fills the disk nor takes long" {
	sr -t 30 -o '*' -O host -- sh -c 'truncate -s 200M s'
	assert_success
	[ "$(du -k host/s | cut -f1)" -lt 10000 ]
	assert_equal "$(stat -c %s host/s)" 209715200
}

@test "deep folders and many names are bounded" {
	sr -t 100 -o '**' -O host -- python3 -c '
import os
open("top", "w").write("x")
for i in range(3000):
    os.mkdir("d"); os.chdir("d")'
	assert_success
	assert_contains "$stderr" "folders are too deep"
	assert_equal "$(cat host/top)" x
	rm -rf host/*
	sr -t 100 -o 'n00001*' -O host -- python3 -c '
for i in range(40000): open("n%06d" % i, "w")'
	assert_success
	assert_equal "$(listing host | wc -w)" 10
}

@test "an archive: what tar reads, the same bytes each time" {
	require_cmd tar gzip
	local program='mkdir -p out/x && printf b >out/b && printf a >out/x/a && chmod 755 out/b && ln -s /etc/passwd out/l'
	sr -o out --output-archive one.tar.gz -- sh -c "$program"
	assert_success
	assert_contains "$stderr" "'out/l' is not copied"
	sleep 1.1
	sr -o out --output-archive two.tgz -- sh -c "$program"
	assert_success
	cmp one.tar.gz two.tgz
	gzip -t one.tar.gz
	assert_equal "$(tar -tzf one.tar.gz | tr '\n' ' ')" "out/b out/x/a "
	assert_contains "$(tar --numeric-owner -tvzf one.tar.gz)" "-rw-r--r-- 0/0"
	mkdir x && tar -C x -xzf one.tar.gz
	assert_equal "$(cat x/out/x/a)" a
	assert_equal "$(listing host)" "" # and no files beside it
}

@test "an archive that exists, cannot be made, or has another kind's name" {
	canary a.tar.gz old
	sr -o x --output-archive a.tar.gz -- sh -c 'echo ran >&2; echo x >x'
	assert_refused 125 "it exists" "--force"
	assert_canaries
	sr -o x --output-archive a.tar.gz --force -- sh -c 'echo x >x'
	assert_success
	assert_equal "$(tar -tzf a.tar.gz)" x
	sr -o x --output-archive none/a.tar.gz -- true
	assert_refused 125 "the folder above it does not exist"
	sr -o x --output-archive a.zip -- true
	assert_refused 125 "tar.gz"
	sr -o x --output-archive host -- true
	assert_refused 125 "tar.gz"
}

@test "an archive without its helper program is refused before anything runs" {
	mkdir alone
	cp "$SANDRUN" alone/sandrun
	SANDRUN=$T/alone/sandrun
	sr -o x --output-archive a.tar.gz -- sh -c 'echo ran >&2'
	[ "$status" -ne 0 ] || skip "an installed sandrun-archive was found"
	assert_refused 125 "sandrun-archive is missing"
	[ ! -e a.tar.gz ]
	printf '#!/bin/sh\nexit 0\n' >alone/sandrun-archive
	chmod 755 alone/sandrun-archive
	sr -o x --output-archive a.tar.gz -- sh -c 'echo x >x'
	assert_status 125
	assert_contains "$stderr" "cannot write the archive"
	assert_equal "$(find . -name '*.tar.gz' -o -name '.sandrun-*')" ""
}

@test "a run that is killed by its limit still gives what it left" {
	sr -t 1 -o a -O host -- sh -c 'echo a >a; sleep 60'
	assert_status 124
	assert_equal "$(cat host/a)" a
}

@test "run by root: the payload's files come out as root's own" {
	require_root
	sr -o '**' -O host -- sh -c 'umask 077; mkdir d; echo a >d/a'
	assert_success
	assert_equal "$(stat -c %u host/d/a)" 0
	assert_equal "$(cat host/d/a)" a
}
