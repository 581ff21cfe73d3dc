#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=login
# Overlays on the kernel of the guest. Before Linux 6.6 a tmpfs has no user xattrs (finding 7): what an overlay cannot do
# there is said, recorded and refused by --strict; from 6.6 on nothing is lost and nothing is said.

load ../lib/common
load ../lib/store

setup() {
	require_user
	old=
	[ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.6 ] || old=yes
	image "$T/image"
	before=$(digest "$T/image")
}

teardown() {
	chmod -R u+w "$T/image"
}

image() {
	local name
	mkdir -p "$1/bin" "$1/etc" "$1/opt/tool/deep" "$1/opt/other"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for name in sh ls cat echo touch rm mv mkdir rmdir stat chmod test true cp find; do
		ln -s busybox "$1/bin/$name"
	done
	echo one >"$1/opt/tool/one"
	echo two >"$1/opt/tool/deep/two"
	echo other >"$1/opt/other/file"
	mkdir "$1/opt/empty"
}

digest() {
	(cd "$1" && find . -printf '%P %y %m %U %G %s %T@ %C@ %n %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum) | sha256sum
}

inside() {
	sr -E "$T/image" --report "$T/report.json" -- "$@"
}

notes() {
	jq -r '.notes[].what' "$T/report.json"
}

no_other_limits() {
	sr -E "$T/image" --strict -m unlimited --pids unlimited --cpu-time unlimited "$@"
}

@test "the guest's tmpfs is what the kernel's version says" {
	# `user.` attributes on a tmpfs of one's own; the positive control is the disk.
	local code='import os, sys; os.setxattr(sys.argv[1], "user.sandrun", b"1")'
	on_host python3 -c "$code" "$T/image/etc"
	try unshare -Urm sh -c 'mount -t tmpfs tmpfs /mnt && exec python3 -c "$0" /mnt' "$code"
	if [ -n "$old" ]; then
		assert_status 1
		assert_contains "$stderr" "Operation not supported"
	else
		assert_success
	fi
}

@test "an ordinary run says nothing about it, and --strict does not mind" {
	sr --report "$T/report.json" -- true
	assert_success
	assert_stderr ''
	refute_contains "$(notes)" overlay
	sr --strict -m unlimited --pids unlimited --cpu-time unlimited -- echo ran
	assert_success
	assert_output ran
}

@test "-E: a run works and the image stays as it is" {
	inside sh -c 'cat /opt/tool/one; echo more >>/opt/tool/one; echo new >/opt/tool/new; mkdir /opt/made; mv /opt/tool/new /opt/made/;
		rm /opt/tool/deep/two; chmod 700 /opt/other; cat /opt/tool/one /opt/made/new; ls /opt/tool/deep; rm -r /opt/made; ls /opt'
	assert_success
	assert_output $'one\none\nmore\nnew\nempty\nother\ntool'
	assert_equal "$(digest "$T/image")" "$before"
	inside cat /opt/tool/one /opt/tool/deep/two
	assert_output $'one\ntwo'
}

@test "-E: the loss is in the report, or there is none" {
	inside true
	assert_success
	if [ -n "$old" ]; then
		assert_equal "$(report '.notes[] | select(.what == "overlay-xattr") | .degraded')" true
		assert_contains "$(report '.notes[] | select(.what == "overlay-xattr") | .text')" "before 6.6"
	else
		refute_contains "$(notes)" overlay
	fi
}

@test "-E: folders of the image are removed and moved, or that fails and nothing else does" {
	inside sh -c 'rm -r /opt/tool; echo $?; mv /opt/other /opt/moved; echo $?; ls /opt; cat /opt/*/file; echo last >/opt/last && cat /opt/last'
	assert_success
	if [ -n "$old" ]; then
		assert_match "$stderr" "(I/O|Input/output) error"
		assert_match "$output" $'^1\n1\n'
		assert_contains "$output" other
	else
		assert_stderr ''
		assert_output $'0\n0\nempty\nmoved\nother\nlast'
	fi
	assert_contains "$output" last
	assert_equal "$(digest "$T/image")" "$before"
}

@test "-E --strict: refused with the cause, or it runs" {
	no_other_limits -- sh -c 'echo ran'
	if [ -n "$old" ]; then
		assert_error 125 "cannot run with --strict" "before 6.6"
	else
		assert_success
		assert_output ran
	fi
	assert_equal "$(digest "$T/image")" "$before"
}

@test "-E: an image on a tmpfs" {
	[ "$(stat -fc %T /dev/shm)" = tmpfs ]
	local shm
	shm=$(mktemp -d /dev/shm/sandrun.XXXXXX)
	cp -a "$T/image" "$shm/"
	sr -E "$shm/image" -- sh -c 'echo more >>/opt/tool/one; cat /opt/tool/one'
	rm -rf "$shm"
	assert_success
	assert_output $'one\nmore'
}

@test "-E: an image with a file system mounted in it is refused, or shown with that in it, and never written" {
	try unshare -Urm sh -c 'mount -t tmpfs tmpfs "$2/opt/empty" && echo sub >"$2/opt/empty/sub" &&
		"$1" -E "$2" -- sh -c "ls /opt/empty; echo x >/opt/empty/x"; echo "status $?"; ls "$2/opt/empty"' sh "$SANDRUN" "$T/image"
	assert_contains "$output" status
	assert_match "$output" $'(^|\n)sub$' # the last ls: the mounted one still holds what it held
	refute_contains "$output" $'\nx'
}

@test "-E NAME: layers on each other lose what one folder does, it is said, and the layers stay as they are" {
	local base top state
	store_new
	cp -a "$T/image" "$T/base"
	mkdir -p "$T/top/opt/other"
	echo upper >"$T/top/opt/other/upper"
	base=$(store_layer "$T/base") top=$(store_layer "$T/top")
	store_name stack "$base" "$top" </dev/null
	state=$(store_state)
	sr -E stack --report "$T/report.json" -- sh -c 'cat /opt/other/*; echo more >>/opt/tool/one; cat /opt/tool/one; rm /opt/other/upper; ls /opt/other'
	assert_success
	assert_output $'other\nupper\none\nmore\nfile'
	sr -E stack --report "$T/report.json" -- sh -c 'rm -r /opt/tool; echo $?; mv /opt/other /opt/moved; echo $?'
	if [ -n "$old" ]; then
		assert_output $'1\n1'
		assert_equal "$(report '.notes[] | select(.what == "overlay-xattr") | .degraded')" true
		sr -E stack --strict -m unlimited --pids unlimited --cpu-time unlimited -- true
		assert_error 125 "before 6.6"
	else
		assert_output $'0\n0'
		refute_contains "$(notes)" overlay
	fi
	assert_equal "$(store_state)" "$state"
}
