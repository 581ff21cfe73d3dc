#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --build-layer: what is written to the root stays as a layer; who the program is then, what it is told, what stays closed.

load ../lib/common

setup() {
	require_user # root's payload owns nothing: refused, root.bats
	export HOME=$T/home
	unset XDG_CACHE_HOME XDG_DATA_HOME
	mkdir "$HOME"
	require_cmd busybox
	file -L "$(command -v busybox)" | grep -q 'statically linked' || skip "busybox is not the static one"
	image "$T/image"
	cd "$T"
}

teardown() {
	[ -d "$T/image" ] || return 0
	chmod -R u+rwx "$T"/*/overlay-work 2>/dev/null || true # the kernel leaves a folder of mode 000
}

# A small root: busybox and its names, and probes.
image() {
	local root=$1 name
	mkdir -p "$root/bin" "$root/etc" "$root/opt/tool/deep"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for name in sh ls cat echo touch rm mv mkdir rmdir ln stat id grep readlink cp chmod chown mknod mkfifo sync env sleep true mount chroot unshare; do
		ln -s busybox "$root/bin/$name"
	done
	for name in act net local; do
		cp "$(probe "$name")" "$root/bin/"
	done
	echo one >"$root/opt/tool/one"
	echo two >"$root/opt/tool/deep/two"
	chmod -R go+rX "$root"
}

digest() {
	(cd "$1" && find . -printf '%P %y %m %U %G %s %T@ %C@ %n %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum) | sha256sum
}

build() {
	sr --build-layer "$T/layer" -E "$T/image" -- "$@"
}

@test "--build-layer: what is written stays, and nothing else" {
	local before
	before=$(digest image)
	build sh -c 'echo new >/opt/new && rm /opt/tool/one && rm -r /opt/tool/deep && mkdir /opt/tool/deep && touch /tmp/a /work/b /dev/shm/c && ln -s /nowhere /opt/link && chmod 700 /opt/new'
	assert_success
	assert_equal "$(digest image)" "$before"
	assert_equal "$(stat -c '%a %u' layer)" "700 $(id -u)"
	assert_equal "$(cd layer/tree && find . -printf '%P %y %m\n' | LC_ALL=C sort)" " d 755
opt d 755
opt/link l 777
opt/new f 700
opt/tool d 755
opt/tool/deep d 755
opt/tool/one c 0"
	assert_equal "$(stat -c '%t %T %u' layer/tree/opt/tool/one)" "0 0 $(id -u)"
	assert_equal "$(python3 -c 'import os; print(os.getxattr("layer/tree/opt/tool/deep", "user.overlay.opaque").decode())')" y
	# it goes on where it was
	build sh -c 'cat /opt/new; ls /opt /opt/tool /opt/tool/deep'
	assert_output $'new\n/opt:\nlink\nnew\ntool\n\n/opt/tool:\ndeep\n\n/opt/tool/deep:'
	# the two on each other, in an ordinary run
	sr -E "$T/image,$T/layer/tree" -- sh -c 'cat /opt/new; ls /opt/tool; echo more >>/opt/new'
	assert_success
	assert_output $'new\ndeep'
	assert_equal "$(cat layer/tree/opt/new)" new
}

@test "--build-layer on none: a root by itself" {
	mkdir -m 700 layer
	cp -a image layer/tree
	sr --build-layer layer -E none -- sh -c 'echo more >>/opt/tool/one; ls -d /proc/self /dev/null /work /tmp'
	assert_success
	assert_output $'/dev/null\n/proc/self\n/tmp\n/work'
	assert_equal "$(cat layer/tree/opt/tool/one)" $'one\nmore'
	assert_equal "$(ls layer/tree)" $'bin\netc\nopt'
	sr --build-layer empty -E none -- sh
	assert_error 127 "'none'"
	sr -E none -- sh
	assert_error 125 "none"
}

# An image's passwd is not sandrun's own there.
@test "--build-layer: user 0 inside without any right; the user outside" {
	echo 'root:x:0:0:root:/root:/bin/sh' >image/etc/passwd
	build sh -c 'id -u; id -g; id -un; echo $USER $LOGNAME; grep -E "^(Cap...|NoNewPrivs|Seccomp):" /proc/self/status; cat /etc/passwd; touch /owned'
	assert_success
	assert_output $'0\n0\nroot\nroot root
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
root:x:0:0:root:/root:/bin/sh'
	assert_equal "$(stat -c %u layer/tree/owned)" "$(id -u)"
	build sh -c 'mount -t tmpfs x /opt; chroot / true; unshare -U true; echo $?'
	assert_output 1
	assert_contains "$stderr" "mount: permission denied"
	assert_contains "$stderr" "chroot: can't change root directory"
	assert_contains "$stderr" "unshare: unshare(0x10000000): Operation not permitted"
}

@test "--build-layer: changes of owner and devices are answered, not made" {
	local acts='chown 5:5 /opt/tool/one && chown -h 7 /bin/ls && mknod /opt/null c 1 3 && mknod /opt/disk b 8 0 && sync && mkfifo /opt/fifo && stat -c "%u %g" /opt/tool/one && ls /opt'
	build sh -c "$acts"
	assert_success
	assert_output $'0 0\nfifo\ntool'
	[ -p layer/tree/opt/fifo ]
	# a plain run is told the truth
	sr -E image -- sh -c "$acts"
	assert_status 1
	sr -E image -- mknod /opt/null c 1 3
	assert_status 1
}

# An earlier build is as hostile as an image.
@test "--build-layer: links that a build left in the layer lead nowhere" {
	canary "$T/host/secret" "host secret"
	local name
	for name in dev proc work tmp; do
		install -d -m 700 "$name.layer" "$name.layer/tree"
		ln -s "$T/host" "$name.layer/tree/$name"
		sr --build-layer "$name.layer" -E image -- sh -c 'echo x >/dev/planted; echo x >/work/planted; echo x >/tmp/planted; cat /tmp/secret /work/secret'
		assert_error 125 "/$name in its tree is no folder" "$name.layer/tree"
		assert_equal "$(ls -A host)" secret
		chmod -R u+rwx "$name.layer"
	done
	install -d -m 700 layer layer/tree shown
	ln -s "$T/host" layer/tree/data
	sr --build-layer layer -E image --bind "$T/shown:/data/shown" -- true
	assert_error 125
	assert_equal "$(ls -A host)" secret
	rm layer/tree/data
	sr --build-layer layer -E image --bind "$T/shown:/data/shown" -- ls /data
	assert_success
	assert_output shown
	[ ! -e layer/tree/data ]
	assert_canaries
}

@test "--build-layer: a link or a gap where a file is to be shown is refused" {
	canary "$T/host/victim" "host victim"
	echo shown >shown
	echo low >image/etc/own
	# the controls: shown there, over a file of the layer, and nothing is written
	sr --build-layer layer -E image --bind "$T/shown:/bindpt" --bind "$T/shown:/etc/own" -- cat /bindpt /etc/own
	assert_success
	assert_output $'shown\nshown'
	sr --build-layer layer --build-network -E image -- cat /etc/hosts
	assert_success
	assert_output "$(cat /etc/hosts)"
	build sh -c 'echo x >/bindpt; echo x >>/etc/own'
	sr --build-layer layer -E image --bind "$T/shown:/bindpt" --bind "$T/shown:/etc/own" -- cat /bindpt /etc/own
	assert_output $'shown\nshown'
	assert_equal "$(cat layer/tree/bindpt layer/tree/etc/own)" $'x\nlow\nx'
	# a link
	build sh -c "ln -sf $T/host/victim /bindpt; ln -sf $T/host/victim /etc/hosts; ln -s host /opt/way"
	sr --build-layer layer -E image --bind "$T/shown:/bindpt" -- cat /bindpt
	assert_error 125 "/bindpt in its tree is no regular file" "remove it from layer/tree"
	sr --build-layer layer -E image --bind "$T/shown:/opt/way/file" -- true
	assert_error 125 "/opt/way in its tree is no folder" "remove it from layer/tree"
	sr --build-layer layer --build-network -E image -- cat /etc/hosts
	assert_error 125 "/etc/hosts in its tree is no regular file" "remove it from layer/tree"
	rm layer/tree/etc/hosts layer/tree/bindpt
	sr --build-layer layer --build-network -E image --bind "$T/shown:/bindpt" -- cat /bindpt /etc/hosts
	assert_success
	# what was removed, and a folder that was made anew
	build rm /etc/own
	sr --build-layer layer -E image --bind "$T/shown:/etc/own" -- cat /etc/own
	assert_error 125 "/etc/own in its tree is no regular file" "remove it from layer/tree"
	build sh -c 'rm -r /etc && mkdir /etc'
	sr --build-layer layer --build-network -E image -- cat /etc/hosts
	assert_error 125 "has no /etc/" "make an empty file layer/tree/etc/"
	sr --build-layer layer -E image --bind "$T/shown:/etc/own" -- true
	assert_error 125 "has no /etc/own" "make an empty file layer/tree/etc/own"
	touch layer/tree/etc/own
	sr --build-layer layer -E image --bind "$T/shown:/etc/own" -- cat /etc/own
	assert_success
	assert_output shown
	build rm -r /etc
	sr --build-layer layer -E image --bind "$T/shown:/etc/own" -- true
	assert_error 125 "/etc in its tree is no folder"
	assert_canaries
}

@test "--build-layer: the layer's modes are not the caller's umask" {
	(
		umask 077
		sr_raw --build-layer layer -E image -- sh -c 'mkdir /opt/d && touch /opt/f'
	)
	assert_equal "$(stat -c %a layer layer/tree layer/tree/opt/d layer/tree/opt/f | tr '\n' ' ')" "700 755 755 644 "
}

@test "--build-layer: whose folder it is, and one build at a time" {
	mkdir -m 755 open
	sr --build-layer open -E image -- true
	assert_error 125 "others have rights" "0700"
	mkdir -m 700 real
	ln -s real link
	sr --build-layer link -E image -- true
	assert_error 125 "link"
	sr --build-layer /usr -E image -- true
	assert_error 125 "/usr"
	echo x >file
	sr --build-layer file -E image -- true
	assert_error 125 "file"
	mkdir real/elsewhere
	ln -s elsewhere real/tree
	sr --build-layer real -E image -- touch /x
	assert_error 125 "tree"
	[ ! -e real/elsewhere/x ]
	"$SANDRUN" --build-layer layer -E image -- sh -c 'echo ready; sleep 100' >first 3>&- &
	local first=$!
	wait_for 20 grep -q ready first
	build true
	assert_error 125 "another sandrun"
	kill "$first"
	wait "$first" || true
	build true
	assert_success
}

@test "--build-layer: what it does not go with" {
	sr --build-layer layer -- true
	assert_error 125 "-E NAME"
	sr --build-layer layer -E host -- true
	assert_error 125 "-E NAME"
	sr --build-layer layer -E image --certificate c.json -- true
	assert_error 125 "certificate"
	sr --build-layer layer -E image --trace -- true
	assert_error 125 "certificate"
	sr --build-network -E image -- true
	assert_error 125 "--build-layer DIR"
	sr --build-layer layer -E nosuch -- true
	assert_error 125 nosuch
	sr --build-layer layer -E image --explain -- true
	assert_success
	assert_contains "$output" "layer/tree: what is written to / stays there"
	assert_contains "$output" "0 inside, the caller's outside"
	[ ! -e layer ] && [ ! -e c.json ]
	build true
	assert_success
	[ ! -e "$HOME/.local/state/sandrun" ] # no certificate is kept
	sr -E image -- true
	[ -n "$(ls "$HOME/.local/state/sandrun")" ] # the control
}

@test "--build-network: the host's network, resolver and names; sockets of other kinds stay closed" {
	"$(probe net)" serve >ports 3>&- &
	local server=$! port="" abstract="@sandrun-build-$BASHPID"
	wait_for 5 grep -q '[0-9]' ports
	read -r port _ <ports
	"$(probe local)" serve "$abstract" >served 3>&- &
	local other=$!
	wait_for 5 grep -q ready served
	on_host "$(probe net)" tcp 127.0.0.1 "$port"
	on_host "$(probe local)" connect "$abstract"
	build net tcp 127.0.0.1 "$port"
	refute_contains "$output" hello
	sr --build-layer layer --build-network -E image -- net tcp 127.0.0.1 "$port"
	assert_contains "$output" hello
	sr --build-layer layer --build-network -E image -- local connect "$abstract"
	refute_contains "$output" hello
	kill "$server" "$other"
	wait "$server" "$other" || true
	sr --build-layer layer --build-network -E image -- sh -c 'cat /etc/hosts /etc/resolv.conf; echo x >/etc/hosts'
	assert_equal "$output" "$(cat /etc/hosts /etc/resolv.conf)"
	assert_contains "$stderr" "Read-only"
	assert_equal "$(find layer/tree -type f)" ""
	sr --build-layer layer --build-network -E image --explain -- true
	assert_contains "$output" "the host's, its own services included"
	assert_contains "$output" "user pid mount ipc uts cgroup"
}
