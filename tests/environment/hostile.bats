#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Archives that somebody hostile made: nothing outside of the store changes, nothing half-made is in it, and a good archive
# goes in where the bad one did not.

load ../lib/common
load images

BATS_TEST_TIMEOUT=${SR_TEST_TIMEOUT:-400} # a hundred thousand files, on a busy machine

setup() {
	require_cmd jq
	canary "$T/outside/canary" "canary of the host"
}

# refused KIND TEXT...: it is not imported, says why, and leaves the host and the store as they were.
refused() {
	local name=$1 before
	shift
	craft "$name"
	before=$(in_store)
	sr environment import "$T/$name.tar" --name bad
	assert_error 125 "$@" || return 1
	assert_equal "$(in_store)" "$before" || return 1
	assert_canaries
}

in_store() {
	find "$STORE/layers" "$STORE/names" "$STORE/work" -mindepth 1 2>/dev/null | sort
}

# An import has begun to write.
unpacking() {
	compgen -G "$STORE/work/*/archive/tree/usr" >/dev/null
}

# taken KIND: it is imported, as an environment of that name.
taken() {
	craft "$1"
	sr environment import "$T/$1.tar" --force
	assert_success || return 1
	assert_canaries && assert_store_whole
}

# Each test ends so: the good twin goes in, and what the hostile one reached for is as it was.
teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] && [ -z "${BATS_TEST_SKIPPED-}" ] || return 0
	craft good
	sr environment import "$T/good.tar"
	assert_success || return 1
	assert_equal "$(cat "$(tree_of good)/etc/fine")" fine || return 1
	assert_canaries
}

@test "names that lead out" {
	refused dotdot "leads out"
	refused dotdot-inside "leads out"
	refused pax-dotdot "leads out"
	refused sparse-name-dotdot "leads out"
}

@test "absolute names lie inside" {
	taken absolute
	assert_equal "$(cat "$(tree_of absolute)/etc/absolute")" inside
	assert_equal "$(cat "$(tree_of absolute)$T/outside/canary")" pwned
}

@test "files through links that lead out" {
	# the control: on the host the link does lead there
	mkdir "$T/x" && ln -s "$T/outside" "$T/x/out"
	on_host grep -q canary "$T/x/out/canary"
	refused link-out "cannot place out/canary" "a link stands on the way"
	refused link-out-relative "a link stands on the way"
	refused link-replaces-folder "a link stands on the way"
}

@test "a file, or a folder, in a link's place is a new one" {
	taken link-is-file
	[ ! -L "$(tree_of link-is-file)/etc/f" ]
	taken folder-over-link
	[ ! -L "$(tree_of folder-over-link)/out" ]
	assert_equal "$(cat "$(tree_of folder-over-link)/out/canary")" inside
}

@test "hard links that lead out" {
	ln "$T/outside/canary" "$T/control" && rm "$T/control" # the control: such a link could be made
	refused hard-out "what it links to is not in the archive"
	refused hard-out-dotdot "leads out"
	refused hard-through-link "a link stands on the way"
	refused hard-to-folder "is no file"
	refused hard-to-nothing "not in the archive before it"
	taken hard-to-link
	taken hard-to-itself
	taken pax-link-dotdot
	assert_equal "$(stat -c %h "$T/outside/canary")" 1
}

@test "devices, FIFOs and sockets are left out, and it says so" {
	taken devices
	assert_contains "$("$SANDRUN" environment import "$T/devices.tar" --force 2>&1 3>&-)" "4 of them"
	assert_equal "$(find "$STORE/layers" ! -type f ! -type d ! -type l)" ""
}

@test "set-id bits go, and the user may read and remove everything" {
	taken set-id
	assert_equal "$(stat -c %a "$(tree_of set-id)"/{bin/su,etc/g,tmp} | xargs)" "755 775 1777"
	taken no-rights
	assert_equal "$(cat "$(tree_of no-rights)/etc/closed/in" "$(tree_of no-rights)/etc/secret" | xargs)" "in secret"
	rm -rf "$T/data"
}

@test "too many entries and too many bytes, packed small" {
	craft many
	craft zeros
	[ "$(stat -c %s "$T/many.tar")" -lt 3000000 ]
	[ "$(stat -c %s "$T/zeros.tar")" -lt 2000000 ]
	sr environment import "$T/many.tar" --max-entries 50000
	assert_error 125 "too many entries" "--max-entries"
	assert_store_empty
	sr environment import "$T/zeros.tar" --max-bytes 100M
	assert_error 125 "too many bytes" "100M" "--max-bytes"
	assert_store_empty
	refused size-huge "too many bytes"
	refused sparse-huge "too many bytes"
	# the limits themselves are no obstacle
	sr environment import "$T/zeros.tar" --max-bytes 201M
	assert_success
	assert_equal "$(stat -c %s "$(tree_of zeros)/etc/zeros")" "$((200 << 20))"
	sr environment import "$T/many.tar"
	assert_success
	assert_equal "$(find "$(tree_of many)/etc" -type f | wc -l)" 100001
}

@test "folders that no entry speaks of count as entries" {
	craft folders-implied
	[ "$(stat -c %s "$T/folders-implied.tar")" -lt 10000 ]
	sr environment import "$T/folders-implied.tar" --max-entries 1000
	assert_error 125 "cannot take b/4/d" "too many entries" "--max-entries"
	assert_store_empty
	sr environment import "$T/folders-implied.tar" --max-entries 4053
	assert_success
	assert_equal "$(find "$(tree_of folders-implied)/b" | wc -l)" 4041
}

@test "a disk that can take few more files" {
	require_user
	require_cmd unshare mount
	craft folders-implied
	craft good
	# the control: there is room for a small one
	try unshare -Urm bash -c 'mkdir "$2" && mount -t tmpfs -o nr_inodes=4000,size=200M none "$2" && export XDG_DATA_HOME=$2 &&
		"$0" environment import "$3" && "$0" environment import "$1"' "$SANDRUN" "$T/folders-implied.tar" "$T/small" "$T/good.tar"
	assert_status 125
	assert_match "$output" '^good '
	assert_contains "$stderr" "cannot write more files to the store: the disk can take"
	assert_contains "$stderr" "sandrun environment prune"
}

@test "memory that an archive asks for" {
	refused xz-dictionary "cannot read" "asks for more than 1 GiB of memory"
}

@test "names that are too long, or too deep" {
	refused name-300 "longer than 255 bytes"
	refused path-5000 "longer than 4095 bytes"
	refused depth-300 "too deep"
	taken depth-200
}

@test "names that are no UTF-8, and names that differ in case" {
	taken not-utf8
	[ -f "$(tree_of not-utf8)/etc/"$'\xff\xfe' ]
	taken not-utf8-pax
	[ -f "$(tree_of not-utf8-pax)/etc/"$'\xff\xfe' ]
	taken not-utf8-raw-pax
	assert_equal "$(digest_of not-utf8-raw-pax)" "$(digest_of not-utf8-pax)"
	taken normal-forms
	assert_equal "$(cat "$(tree_of normal-forms)/etc/"{$'e\u0301',$'\u00e9'})" 12
	assert_equal "$(cat "$(tree_of normal-forms)/etc/l")" 1
	taken cases
	assert_equal "$(cat "$(tree_of cases)"/etc/{Name,name,NAME})" 123
	# and out and in again
	local name
	for name in not-utf8 normal-forms cases; do
		sr environment export "$name" "$T/out.tar.zst" --force
		assert_success
		sr environment import "$T/out.tar.zst" --name again --force
		assert_success
		assert_equal "$(digest_of again)" "$(digest_of "$name")"
	done
}

@test "a name twice: the later one counts; a file is no folder" {
	taken twice
	assert_equal "$(cat "$(tree_of twice)/etc/hello")" second
	assert_equal "$(readlink "$(tree_of twice)/bin/sh")" other
	taken file-then-folder
	[ -d "$(tree_of file-then-folder)/x" ]
	taken folder-then-file
	[ -f "$(tree_of folder-then-file)/x" ]
	refused file-as-parent "is no folder"
}

@test "whiteouts of nothing leave nothing; whiteouts of no name are refused" {
	taken whiteout-of-nothing
	assert_equal "$(find "$(tree_of whiteout-of-nothing)" -name '.wh*' -o -type c)" ""
	taken oci-whiteout-of-nothing
	assert_equal "$(find "$STORE/layers" -name '.wh*' -o -type c)" ""
	refused whiteout-dot "whiteout of no name"
	refused whiteout-dotdot "whiteout of no name"
	refused whiteout-empty "whiteout of no name"
	refused below-whiteout "below a whiteout"
}

@test "headers that lie" {
	refused size-negative "negative"
	refused pax-size-negative "negative"
	refused pax-size "overflow"
	refused sparse-beyond "more than its header says"
	refused link-empty "without a target"
	refused top-is-link "only a folder can be the top"
	refused top-is-file "cannot read"
	refused empty "no root file system"
	refused no-root "no root file system"
	taken sparse-good
	assert_equal "$(stat -c %s "$(tree_of sparse-good)/etc/sparse")" 1000512
	taken pax-nul
	[ -f "$(tree_of pax-nul)/etc/nul" ]
	taken odd-type
}

@test "attributes in an archive are never applied" {
	require_cmd getfattr
	mkdir "$T/control" && on_host setfattr -n user.overlay.opaque -v y "$T/control"
	taken attributes
	assert_equal "$(getfattr -R -d -m - "$(tree_of attributes)" 2>/dev/null)" ""
	assert_contains "$("$SANDRUN" environment digest --manifest attributes 3>&-)" "d 0755 0 - etc/o"
	assert_equal "$(stat -c %A "$(tree_of attributes)/etc/m")" "-rw-r--r--"
}

@test "cut archives are refused, wherever they are cut" {
	local n size
	require_cmd zstd
	refused truncated "damaged or cut off"
	refused truncated-data "damaged or cut off"
	craft good
	gzip -kf "$T/good.tar"
	zstd -qf "$T/good.tar"
	for name in good.tar.gz good.tar.zst; do
		size=$(stat -c %s "$T/$name")
		for ((n = 0; n < size - 8; n += size / 15 + 1)); do
			head -c "$n" "$T/$name" >"$T/cut"
			sr environment import "$T/cut"
			assert_error 125 || return 1
			assert_store_empty || return 1
		done
	done
}

@test "archives that are cut between two entries are refused" {
	local name
	for name in no-end no-end-gzip no-end-empty-file; do
		refused "$name" "it is cut off, for it has no end" "did not come to its end" || return 1
	done
	sr environment import - --name bad <"$T/no-end.tar"
	assert_error 125 "it is cut off"
	taken one-zero-block
	taken oci-no-end
	refused oci-cut "it is cut off"
}

@test "compressed archives whose bytes changed are refused" {
	require_cmd zstd xz bzip2
	local end at
	head -c 300000 /dev/urandom >"$T/random"
	mkdir -p "$T/r/usr" && mv "$T/random" "$T/r/usr"
	tar -C "$T/r" -cf "$T/plain.tar" usr
	gzip -k "$T/plain.tar" && zstd -q "$T/plain.tar" && xz -k "$T/plain.tar" && bzip2 -k "$T/plain.tar"
	for end in gz zst xz bz2; do
		for at in 150000 299999; do
			python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[int(sys.argv[3])] ^= 16; open(sys.argv[2], "wb").write(d)' \
				"$T/plain.tar.$end" "$T/changed" "$at"
			sr environment import "$T/changed"
			assert_error 125 "cannot read" || return 1
			assert_store_empty || return 1
		done
	done
	# its checksum alone, at its very end; then two members, and what gzip passes over behind them
	python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[-6] ^= 1; open(sys.argv[2], "wb").write(d)' "$T/plain.tar.gz" "$T/changed"
	sr environment import "$T/changed"
	assert_error 125 "gzip: incorrect data check"
	assert_store_empty
	{ head -c 100000 "$T/plain.tar" | gzip -c; tail -c +100001 "$T/plain.tar" | gzip -c; } >"$T/members.tar.gz"
	cp "$T/members.tar.gz" "$T/behind.tar.gz" && head -c 5000 /dev/zero >>"$T/behind.tar.gz"
	for at in plain members behind; do
		sr environment import "$T/$at.tar.gz"
		assert_success || return 1
		assert_equal "$(digest_of "$at")" "$(digest_of plain)" || return 1
	done
	# a bomb behind the end
	{ cat "$T/plain.tar"; head -c 100000000 /dev/zero; } | gzip -1 >"$T/bomb.tar.gz"
	sr environment import "$T/bomb.tar.gz"
	assert_error 125 "too much behind its end"
	assert_store_whole
}

@test "flipped bits: refused, or whole" {
	local n size
	craft oci-gzip
	size=$(stat -c %s "$T/oci-gzip.tar")
	for ((n = 40; n < size; n += size / 40 + 1)); do
		python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[int(sys.argv[3])] ^= 1 << int(sys.argv[3]) % 8; open(sys.argv[2], "wb").write(d)' \
			"$T/oci-gzip.tar" "$T/flipped.tar" "$n"
		sr environment import "$T/flipped.tar" --force
		[ "$status" -eq 0 ] || assert_error 125 "cannot" || return 1
		assert_store_whole || return 1
	done
}

@test "container images whose parts are not what their digests say" {
	refused oci-layer-changed "its digest is sha256:"
	refused oci-config-changed "its digest is sha256:"
	refused oci-layer-longer "bytes, and the image says"
	refused oci-layer-missing "the image is not complete"
	refused docker-changed "its digest is sha256:"
	refused oci-sha512 "no digest of the form sha256:HEX"
	refused oci-digest-path "no digest of the form sha256:HEX"
}

@test "container images whose parts lie elsewhere" {
	refused oci-layer-is-link "cannot open blobs/sha256/"
	refused docker-layer-out "cannot open ../../"
	refused docker-layer-link-out "cannot open 0/layer.tar"
	refused docker-none "cannot find an image in the archive" "docker save NAME:TAG"
	refused docker-fifo "cannot open 0/layer.tar"
	refused oci-hard-across "not in the archive before it"
	taken oci-link-across
	assert_equal "$(cat "$(tree_of oci-link-across 1)/out/canary")" inside
}

@test "container images for others, of others, without end" {
	refused oci-other-machine "for linux on vax"
	refused oci-other-machines "it is for vax, pdp11"
	refused oci-loop "too deep"
	refused oci-json-deep "depth"
	refused oci-double-key "duplicate object key"
	refused oci-no-layers "0 layers"
	refused oci-encrypted "tar+encrypted"
}

@test "what is no archive, and what cannot be read" {
	echo 'not an archive, but long enough to be looked at' >"$T/text"
	sr environment import "$T/text"
	assert_error 125 "cannot read the archive" "hint: what is taken: a tar"
	sr environment import "$T/missing"
	assert_error 125 "No such file"
	mkdir "$T/folder"
	sr environment import "$T/folder"
	assert_error 125 "no OCI layout"
	assert_store_empty
}

@test "an import that is killed leaves nothing that is seen, and the next one clears it away" {
	mkfifo "$T/pipe"
	craft good
	{ head -c 3000 "$T/good.tar"; exec sleep 60; } >"$T/pipe" 3>&- &
	local feeder=$! pid
	(exec "$SANDRUN" environment import "$T/pipe" --name killed </dev/null >/dev/null 2>&1 3>&-) &
	pid=$!
	wait_for 20 unpacking
	kill -KILL "$pid"
	kill "$feeder"
	wait "$pid" || true
	assert_equal "$(ls "$STORE/names" "$STORE/layers" | grep -v : | grep .)" ""
	[ -n "$(ls "$STORE/work")" ]
	sr environment prune
	assert_success
	assert_contains "$output" "what 1 killed maker"
	assert_store_empty
}

@test "an import that is killed at any moment: the environment is there whole, or not at all" {
	local i pid
	python3 - "$T/big.tar" <<'PY'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w") as t:
    for i in range(1500):
        info = tarfile.TarInfo("usr/%d/%d" % (i % 30, i))
        info.size = 3000
        t.addfile(info, io.BytesIO(b"%d" % i * 3000))
PY
	for ((i = 0; i < 15; i++)); do
		(exec "$SANDRUN" environment import "$T/big.tar" --name "n$i" </dev/null >/dev/null 2>&1 3>&-) &
		pid=$!
		sleep "0.0$((i * 2 + 10))" "0.$((i / 5))"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		sr environment prune
		assert_success || return 1
		assert_store_whole || return 1
	done
	# unharmed
	sr environment import "$T/big.tar"
	assert_success
	assert_store_whole
}

@test "two imports of one name at once: the second to end is refused, and the first stays" {
	local pid rc=0
	craft good
	craft oci
	mkfifo "$T/pipe"
	(exec "$SANDRUN" environment import "$T/pipe" --name race </dev/null >/dev/null 2>"$T/words" 3>&-) &
	pid=$!
	exec 9>"$T/pipe"
	head -c 3000 "$T/good.tar" >&9
	wait_for 20 unpacking
	sr environment import "$T/oci.tar" --name race
	assert_success
	tail -c +3001 "$T/good.tar" >&9
	exec 9>&-
	wait "$pid" || rc=$?
	assert_equal "$rc" 125
	assert_contains "$(cat "$T/words")" "cannot make race: an environment of that name is there"
	assert_contains "$(cat "$T/words")" "hint: --force replaces it"
	sr environment import "$T/oci.tar"
	assert_success
	assert_equal "$(digest_of race)" "$(digest_of oci)"
	assert_store_whole
}

@test "an import that is interrupted clears up by itself" {
	local signal feeder pid rc
	craft good
	for signal in INT TERM; do
		rm -f "$T/pipe" && mkfifo "$T/pipe"
		{ head -c 3000 "$T/good.tar"; exec sleep 60; } >"$T/pipe" 3>&- &
		feeder=$!
		(trap - INT && exec "$SANDRUN" environment import "$T/pipe" --name stopped </dev/null >/dev/null 2>"$T/words" 3>&-) &
		pid=$!
		wait_for 20 unpacking
		kill -"$signal" "$pid"
		rc=0
		wait "$pid" || rc=$?
		kill "$feeder"
		assert_equal "$rc" "$((128 + $(kill -l "$signal")))"
		assert_contains "$(cat "$T/words")" "interrupted; nothing of it is left"
		assert_store_empty
	done
}

@test "a full disk" {
	# the limit of a file's size stands in for it: the write fails in the middle
	craft zeros
	try bash -c 'trap "" XFSZ; ulimit -f 1000; exec "$0" environment import "$1"' "$SANDRUN" "$T/zeros.tar"
	assert_error 125 "cannot write etc/zeros" "File too large"
	assert_store_empty
}
