#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Environments as archives: the same bytes every time, the same digests when they come back, and never over a file of the user's.

load ../lib/common
load images

setup() {
	require_cmd jq
	local name
	for name in ${WANTED-good oci}; do
		craft "$name"
		sr environment import "$T/$name.tar"
		assert_success || return 1
	done
}

@test "a tar: sorted, without times and owners, twice the same bytes, and back with the same digest" {
	require_cmd zstd
	sr environment export good "$T/one.tar.zst"
	assert_success
	assert_output ""
	sleep 1.1
	sr environment export good "$T/two.tar.zst"
	cmp "$T/one.tar.zst" "$T/two.tar.zst"
	assert_equal "$(zstd -dcq "$T/one.tar.zst" | TZ=UTC tar --numeric-owner -tvf - | tr -s ' ')" "$(tr -s ' ' <<'END'
drwxr-xr-x 0/0 0 1980-01-01 00:00 bin/
lrwxrwxrwx 0/0 0 1980-01-01 00:00 bin/sh -> tool
-rwxr-xr-x 0/0 5 1980-01-01 00:00 bin/tool
drwxr-xr-x 0/0 0 1980-01-01 00:00 etc/
-rw-r--r-- 0/0 5 1980-01-01 00:00 etc/fine
-rw-r--r-- 0/0 6 1980-01-01 00:00 etc/hello
drwxr-xr-x 0/0 0 1980-01-01 00:00 usr/
END
	)"
	sr environment import "$T/one.tar.zst" --name again
	assert_success
	assert_equal "$(digest_of again)" "$(digest_of good)"
	sr environment export again "$T/three.tar.zst"
	cmp "$T/one.tar.zst" "$T/three.tar.zst"
}

@test "the tar of several layers is what a run sees of them" {
	require_cmd zstd
	sr environment export oci "$T/flat.tar.zst"
	assert_success
	assert_equal "$(zstd -dcq "$T/flat.tar.zst" | tar -tf - | xargs)" "bin/ bin/sh bin/tool etc/ etc/second usr/"
}

@test "an OCI layout keeps the layers: as a folder, as a tar, and twice the same bytes" {
	local kind
	sr environment export oci "$T/one" --format oci
	assert_success
	sr environment export oci "$T/two" --format=oci
	assert_success
	diff -r "$T/one" "$T/two"
	sr environment export oci "$T/one.tar" --format oci
	sr environment export oci "$T/two.tar" --format oci
	cmp "$T/one.tar" "$T/two.tar"
	for kind in one one.tar; do
		sr environment import "$T/$kind" --name again --force
		assert_success
		assert_equal "$("$SANDRUN" environment show --json again 3>&- | jq -c '.layers, .variables')" \
			"$("$SANDRUN" environment show --json oci 3>&- | jq -c '.layers, .variables')"
	done
	sr environment export again "$T/three" --format oci
	diff -r "$T/one/blobs" "$T/three/blobs"
	# every blob is what its name says
	(cd "$T/one/blobs/sha256" && for kind in *; do assert_equal "$(sha256sum <"$kind" | cut -d' ' -f1)" "$kind" || exit 1; done)
	assert_equal "$(jq -r .imageLayoutVersion "$T/one/oci-layout")" 1.0.0
}

@test "folders that are opaque where they hide no folder keep the digest, out and in again" {
	local again
	craft oci-opaque-anywhere
	sr environment import "$T/oci-opaque-anywhere.tar" --name opaque
	assert_success
	assert_equal "$("$SANDRUN" environment digest --manifest opaque 3>&- | grep '^o' | cut -d' ' -f5 | xargs)" "etc/hello new new/in"
	sr environment export opaque "$T/layout" --format oci
	assert_success
	sr environment import "$T/layout" --name again
	assert_success
	assert_equal "$(digest_of again)" "$(digest_of opaque)"
}

@test "skopeo and umoci read the layout" {
	require_cmd skopeo umoci zstd
	sr environment export oci "$T/layout" --format oci
	assert_success
	on_host skopeo inspect "oci:$T/layout:oci"
	assert_equal "$(skopeo inspect --config "oci:$T/layout:oci" | jq -r '.config.Env[1]')" "GREETING=hello"
	on_host skopeo copy "oci:$T/layout:oci" "docker-archive:$T/docker.tar:x:1"
	sr environment import "$T/docker.tar"
	assert_success
	assert_equal "$(digest_of docker)" "$(digest_of oci)"
	on_host umoci unpack --rootless --image "$T/layout:oci" "$T/bundle"
	assert_equal "$(cd "$T/bundle/rootfs" && find . -mindepth 1 -printf '%P\n' | sort | xargs)" "bin bin/sh bin/tool etc etc/second usr"
	assert_equal "$(cat "$T/bundle/rootfs/etc/second")" second
}

@test "the user's umask counts for what is exported, and nothing temporary stays" {
	mkdir "$T/out"
	(umask 027 && sr environment export good "$T/out/f.tar.zst" && sr environment export good "$T/out/d" --format oci)
	assert_equal "$(stat -c %a "$T/out/f.tar.zst" "$T/out/d" "$T/out/d/oci-layout" "$T/out/d/blobs/sha256" | xargs)" "640 750 640 750"
	(umask 022 && sr environment export good "$T/out/g.tar" --format oci)
	assert_equal "$(stat -c %a "$T/out/g.tar")" 644
	assert_equal "$(ls -A "$T/out" | xargs)" "d f.tar.zst g.tar"
}

@test "what is there is not replaced, but by --force, and then only by its like" {
	mkdir "$T/out"
	canary "$T/out/file"
	canary "$T/out/folder/mine"
	ln -s file "$T/out/link"
	sr environment export good "$T/out/file"
	assert_error 125 "cannot write" "it is there already" "--force"
	sr environment export good "$T/out/folder" --format oci
	assert_error 125 "it is there already"
	sr environment export good "$T/out/folder" --format oci --force
	assert_error 125 "no OCI layout"
	sr environment export good "$T/out/folder" --force
	assert_error 125 "it is no regular file"
	sr environment export good "$T/out/link" --force
	assert_error 125 "it is no regular file"
	sr environment export good "$T/out/file" --format oci --force
	assert_error 125 "it is no folder"
	sr environment export good "$T/none/f"
	assert_error 125 "No such file"
	sr environment export good /
	assert_error 125 "cannot write"
	sr environment export nothing "$T/out/x"
	assert_error 125 "cannot find the environment nothing"
	assert_canaries
	sr environment export good "$T/out/file" --force
	assert_success
	sr environment export good "$T/out/l" --format oci
	sr environment export oci "$T/out/l/" --format oci --force
	assert_success
	assert_equal "$(jq -r '.manifests[0].annotations[]' "$T/out/l/index.json")" oci
	assert_equal "$(ls -A "$T/out" | xargs)" "file folder l link"
}

@test "an export that fails leaves nothing" {
	mkdir "$T/out"
	head -c 100000 /dev/urandom >"$(tree_of good)/etc/random"
	try bash -c 'trap "" XFSZ; ulimit -f 8; exec "$0" environment export good "$1"' "$SANDRUN" "$T/out/x.tar.zst"
	assert_error 125 "cannot write" "File too large"
	try bash -c 'trap "" XFSZ; ulimit -f 8; exec "$0" environment export good "$1" --format oci' "$SANDRUN" "$T/out/x"
	assert_error 125 "cannot write" "File too large"
	rm "$(tree_of good)/etc/fine" && mkfifo "$(tree_of good)/etc/fine"
	sr environment export good "$T/out/x.tar.zst"
	assert_error 125 "cannot read etc/fine of the environment"
	assert_equal "$(ls -A "$T/out")" ""
}

# Process $1 has something of the folder $2 open that it made.
is_writing() {
	ls -l "/proc/$1/fd" 2>/dev/null | grep -qE -- "-> $2/(\.sandrun-|#)"
}

@test "an export of a tar that is killed leaves nothing" {
	mkdir "$T/out"
	python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_TMPFILE)' "$T/out" || skip "no unnamed files here"
	local pid
	head -c 100000000 /dev/urandom >"$(tree_of good)/etc/random"
	"$SANDRUN" environment export good "$T/out/x.tar.zst" </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for 20 is_writing "$pid" "$T/out"
	kill -KILL "$pid"
	wait "$pid" || true
	assert_equal "$(ls -A "$T/out")" ""
	sr environment export good "$T/out/x.tar.zst"
	assert_success
	assert_equal "$(ls -A "$T/out")" x.tar.zst
}

@test "a name that an archive would take for a whiteout is not exported" {
	touch "$(tree_of good)/etc/.wh.fine"
	sr environment export good "$T/x.tar.zst"
	assert_error 125 "cannot pack etc/.wh.fine" "hint: no archive can hold it: remove or rename it"
	[ ! -e "$T/x.tar.zst" ]
}

@test "an export takes nothing away that lies beside it, whatever it is called" {
	canary "$T/place/.deep-learning/paper" thesis
	sr environment export oci "$T/place/one.tar" --format oci
	assert_success
	sr environment export oci "$T/place/layout" --format oci
	assert_success
	sr environment export oci "$T/place/layout" --format oci --force
	assert_success
	sr environment export nosuch "$T/place/two.tar" --format oci
	assert_error 125
	assert_canaries
	assert_equal "$(cat "$T/place/.deep-learning/paper")" thesis
	assert_equal "$(ls -A "$T/place" | xargs)" ".deep-learning layout one.tar"
}
