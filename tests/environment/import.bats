#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Images of others as environments: tars, OCI layouts, docker-archives, such as umoci and skopeo make them.

load ../lib/common
load images

setup() {
	require_cmd jq
}

# A small root, in "$T/root".
make_root() {
	mkdir -p "$T/root"/{bin,usr/lib,etc,tmp,opt/d}
	cp "$(command -v busybox)" "$T/root/bin/busybox"
	ln -s busybox "$T/root/bin/sh"
	echo one >"$T/root/etc/one"
	ln "$T/root/etc/one" "$T/root/etc/one-too"
	echo deep >"$T/root/opt/d/deep"
	chmod 1777 "$T/root/tmp"
	chmod 750 "$T/root/opt"
}

# What two trees show: names, types, modes, contents, targets.
assert_same_trees() {
	diff -r --no-dereference "$1" "$2" || return 1
	assert_equal "$(cd "$1" && find . -mindepth 1 ! -type l -printf '%P %y %m\n' | sort)" \
		"$(cd "$2" && find . -mindepth 1 ! -type l -printf '%P %y %m\n' | sort)"
}

# An environment as one folder, by way of export and tar.
flatten() {
	rm -rf "$T/flat.tar.zst" "$T/flat" && mkdir "$T/flat"
	sr environment export "$1" "$T/flat.tar.zst"
	assert_success || return 1
	zstd -dcq "$T/flat.tar.zst" | tar -C "$T/flat" -xpf -
}

@test "tar, plain and compressed, from a file and from standard input: one digest" {
	require_cmd busybox zstd xz bzip2
	make_root
	tar -C "$T/root" -cf "$T/root.tar" .
	gzip -k "$T/root.tar"
	zstd -q "$T/root.tar"
	xz -k "$T/root.tar"
	bzip2 -k "$T/root.tar"
	tar -C "$T/root" --format=pax -cf "$T/pax.tar" bin etc opt tmp usr
	tar -C "$T/root" --format=v7 --sort=name -cf "$T/v7.tar" .
	local f want
	sr environment import "$T/root.tar" --name root
	assert_success
	want=$(digest_of root)
	for f in root.tar.gz root.tar.zst root.tar.xz root.tar.bz2 pax.tar v7.tar; do
		sr environment import "$T/$f" --name other --force
		assert_success || return 1
		assert_equal "$(digest_of other)" "$want" || return 1
	done
	sr environment import - --name stdin <"$T/root.tar.gz"
	assert_success
	assert_equal "$(digest_of stdin)" "$want"
	sr environment import - </dev/null
	assert_error 125 "--name"
	flatten root
	assert_same_trees "$T/flat" "$T/root"
	assert_equal "$(find "$(tree_of root)" ! -newermt '1980-01-01T00:00:00Z' ! -newermt 1979-12-31 | wc -l)" 0
	assert_equal "$(find "$(tree_of root)" -newermt '1980-01-01T00:00:01Z' | wc -l)" 0
	assert_store_whole
}

@test "an OCI layout: layers, whiteouts, opaque folders, variables" {
	require_cmd getfattr zstd
	local name
	for name in oci oci-gzip docker-good; do
		craft "$name"
		sr environment import "$T/$name.tar"
		assert_success || return 1
		assert_equal "$(digest_of "$name")" "$(digest_of oci)" || return 1
	done
	[ -c "$(tree_of oci 1)/etc/hello" ]
	assert_equal "$(stat -c '%t %T' "$(tree_of oci 1)/etc/hello")" "0 0"
	assert_equal "$(getfattr -n user.overlay.opaque --only-values "$(tree_of oci 1)/usr")" y
	flatten oci
	[ ! -e "$T/flat/etc/hello" ]
	[ ! -e "$T/flat/usr/old" ]
	assert_equal "$(cat "$T/flat/etc/second")" second
	assert_equal "$("$SANDRUN" environment show --json oci 3>&- | jq -c .variables)" '{"GREETING":"hello"}'
}

@test "a layer that is opaque at its top stands alone" {
	require_cmd zstd
	craft oci-opaque-root
	sr environment import "$T/oci-opaque-root.tar"
	assert_success
	assert_contains "$output" "1 layer"
	flatten oci-opaque-root
	[ ! -e "$T/flat/old" ]
	[ -e "$T/flat/bin/tool" ]
}

@test "the same layout as a folder, and in it a choice of machines and of tags" {
	craft oci-nested
	craft oci-tags
	mkdir "$T/layout" && tar -C "$T/layout" -xf "$T/oci-nested.tar"
	sr environment import "$T/layout"
	assert_success
	sr environment import "$T/oci-nested.tar"
	assert_success
	assert_equal "$(digest_of layout)" "$(digest_of oci-nested)"
	sr environment import "$T/oci-tags.tar"
	assert_error 125 "cannot choose among 2 images: one, two" "--tag"
	sr environment import "$T/oci-tags.tar" --tag three
	assert_error 125 "cannot find the tag three" "one, two"
	sr environment import "$T/oci-tags.tar" --tag one
	assert_success
	assert_equal "$(digest_of oci-tags)" "$(digest_of layout)"
	craft docker-good
	sr environment import "$T/docker-good.tar" --tag two:2
	assert_error 125 "cannot find the tag two:2" "one:1"
	sr environment import "$T/docker-good.tar" --tag one:1
	assert_success
	craft good
	sr environment import "$T/good.tar" --tag one
	assert_error 125 "no container image"
}

@test "two layers of an image are equal: the lower one goes, and what shows is the same" {
	require_user
	require_cmd zstd busybox
	craft oci-twins
	sr environment import "$T/oci-twins.tar" --name twins
	assert_success
	assert_contains "$output" "3 layers"
	assert_equal "$("$SANDRUN" environment show --json twins 3>&- | jq '.layers | length, (unique | length)' | xargs)" "3 3"
	flatten twins
	assert_equal "$(cat "$T/flat/etc/x" "$T/flat/etc/y")" xy
	assert_store_whole
	# a run takes it
	cp "$(command -v busybox)" "$T/busybox"
	sr -E twins --bind "$T/busybox:/bin/busybox" -- /bin/busybox cat /etc/x /etc/y
	assert_success
	assert_output xy
}

# An image of three layers, by umoci: files, then changes and removals, then an opaque folder.
make_image() {
	umoci init --layout "$T/img" && umoci new --image "$T/img:tag" || return 1
	umoci unpack --rootless --image "$T/img:tag" "$T/bundle" || return 1
	make_root
	mkdir -p "$T/root/var/gone" "$T/root/var/opaque"
	touch "$T/root/var/gone/x" "$T/root/var/opaque/old"
	cp -a "$T/root/." "$T/bundle/rootfs/"
	umoci repack --refresh-bundle --image "$T/img:tag" "$T/bundle" || return 1
	rm -r "$T/bundle/rootfs/var/gone" "$T/bundle/rootfs/etc/one-too" "$T/bundle/rootfs/opt/d"
	echo file >"$T/bundle/rootfs/opt/d"
	echo two >"$T/bundle/rootfs/etc/two"
	umoci repack --refresh-bundle --image "$T/img:tag" "$T/bundle" || return 1
	mkdir -p "$T/third/var/opaque"
	touch "$T/third/var/opaque/"{new,.wh..wh..opq}
	tar -C "$T/third" -cf "$T/third.tar" var
	umoci raw add-layer --image "$T/img:tag" "$T/third.tar" || return 1
	umoci config --image "$T/img:tag" --config.env FOO=bar --config.env "$(printf 'LINES=a\nb')" || return 1
	umoci unpack --rootless --image "$T/img:tag" "$T/wanted"
}

@test "an image by umoci is what umoci unpacks; by skopeo as a docker-archive it is the same" {
	require_cmd umoci skopeo busybox zstd
	make_image >/dev/null 2>&1
	sr environment import "$T/img" --name umoci
	assert_success
	assert_contains "$output" "3 layers"
	assert_contains "$stderr" "variables of the image, 1 of them"
	flatten umoci
	assert_same_trees "$T/flat" "$T/wanted/rootfs"
	assert_equal "$("$SANDRUN" environment show --json umoci 3>&- | jq -r .variables.FOO)" bar
	on_host skopeo copy "oci:$T/img:tag" "docker-archive:$T/docker.tar:some:1"
	sr environment import "$T/docker.tar" --name docker
	assert_success
	assert_equal "$(digest_of docker)" "$(digest_of umoci)"
	on_host skopeo copy "oci:$T/img:tag" "oci-archive:$T/oci.tar:tag"
	sr environment import "$T/oci.tar" --name archive
	assert_success
	assert_equal "$(digest_of archive)" "$(digest_of umoci)"
	on_host skopeo copy --dest-compress-format zstd --dest-compress "oci:$T/img:tag" "oci:$T/zstd:tag"
	sr environment import "$T/zstd" --name zstd
	assert_success
	assert_equal "$(digest_of zstd)" "$(digest_of umoci)"
	assert_equal "$(ls "$STORE/layers" | wc -l)" 3
	assert_store_whole
}

@test "a run in an import: its layers as one root, its variables, and nothing of it changes" {
	require_user
	require_cmd umoci busybox
	make_image >/dev/null 2>&1
	sr environment import "$T/img" --name umoci
	assert_success
	sr -E umoci -- /bin/busybox sh -c 'cat /etc/one /etc/two /opt/d; cd /var; echo *; cd opaque; echo *; echo $FOO'
	assert_success
	assert_output $'one\ntwo\nfile\nopaque\nnew\nbar'
	sr -E umoci -- /bin/busybox sh -c 'echo changed >/etc/one && rm /etc/two && cat /etc/one'
	assert_success
	assert_output changed
	sr environment digest umoci
	assert_success
	# while it runs, its layers stay
	mkfifo "$T/go"
	"$SANDRUN" -E umoci -- /bin/busybox sh -c 'echo here; read x; cat /etc/one' <"$T/go" >"$T/out" 3>&- &
	local pid=$!
	exec 9>"$T/go"
	wait_for 20 grep -q here "$T/out"
	sr environment remove umoci
	assert_success
	assert_contains "$output" "kept 3 layers that a run uses"
	echo >&9
	exec 9>&-
	wait "$pid"
	assert_equal "$(tail -n 1 "$T/out")" one
	sr environment prune
	assert_contains "$output" "freed 3 layers"
	assert_store_empty
}

@test "an import uses none of the disk twice, and leaves nothing beside its layers" {
	craft docker-good
	sr environment import "$T/docker-good.tar"
	assert_success
	assert_equal "$(cd "$STORE" && find . -maxdepth 3 | grep -v -E '^\./layers/[0-9a-f]{64}(/(tree|layer.ini))?$' | sort | xargs)" \
		". ./layers ./lock ./names ./names/docker-good.ini ./work"
}

@test "long names of many bytes that are escaped in the manifest, in paths and in targets" {
	require_cmd busybox
	make_root
	local long first
	long=$(printf 'é%.0s' $(seq 120))
	mkdir -p "$T/root/$long/$long"
	echo deep >"$T/root/$long/$long/$long"
	ln -s "$(printf 'é%.0s' $(seq 200))" "$T/root/link" # more escaped bytes in a row than a piece of the manifest holds
	tar -C "$T/root" -cf "$T/long.tar" .
	sr environment import "$T/long.tar" --name long
	assert_success
	first=$(digest_of long)
	sr environment digest long
	assert_success
	sr environment digest --manifest long
	assert_success
	assert_contains "$output" "$(printf '%%C3%%A9%.0s' $(seq 120))/"
	assert_equal "$(grep -c -- " -> " <<<"$output")" 2
	sr environment export long "$T/again.tar.zst"
	sr environment import "$T/again.tar.zst" --name again
	assert_success
	assert_equal "$(digest_of again)" "$first"
}
