#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 30-33, 42, 46-50 once more where a program builds a layer: what runs there is as hostile as any (packages' scripts,
# set-ups from the network), and is user 0. It gets the answers that every run gets, but for what is answered and not made.

load ../lib/common
load hostile

setup() {
	require_user
	mkdir -p "$T/img/bin"
	local name
	for name in calls ids reach ioctls person sockets local net; do
		cp "$(probe "$name")" "$T/img/bin/"
	done
	canary "$T/host/secret"
}

teardown() {
	chmod -R u+rwx "$T/layer" 2>/dev/null || true
}

# Both outputs of one probe: $plain of an ordinary run, $built of a build.
both() {
	sr -E "$T/img" -- "$@"
	[ -n "$output" ]
	plain=$output
	sr --build-layer "$T/layer" "${SR[@]}" -E "$T/img" -- "$@"
	built=$output
}

@test "case 30-33, 46: mounts, roots, namespaces, the kernel, other processes: as in every run" {
	both calls mount namespace process kernel admin
	assert_contains "$plain" "mount"
	assert_contains "$plain" "EPERM"
	assert_equal "$built" "$plain"
	both reach attack 1
	assert_equal "$built" "$plain"
	assert_canaries
}

@test "case 42, 50: requests of terminals, personalities, limits: as in every run" {
	both ioctls
	assert_equal "$built" "$plain"
	both person
	assert_equal "$built" "$plain"
}

@test "who it is: user 0 without capabilities; changes of identity are answered and change nothing" {
	both ids
	assert_equal "$(diff <(echo "$plain") <(echo "$built") | grep '^[<>]')" "< uid 1000 1000 gid 1000 1000
> uid 0 0 gid 0 0
< setuid 0: EINVAL
< setresuid 0: EINVAL
< setgid 0: EINVAL
< setuid 65534: EINVAL
< setgroups 0: EPERM
< capset all: EPERM
> setuid 0: OK
> setresuid 0: OK
> setgid 0: OK
> setuid 65534: OK
> setgroups 0: OK
> capset all: OK"
	assert_contains "$built" "0000000000000000"
}

@test "case 47, 56: sockets: as in every run; with the network no UNIX ones at all" {
	both sockets
	assert_equal "$built" "$plain"
	assert_contains "$plain" "socket 1 stream: OK"
	SR=(--build-network)
	both sockets
	[ "$built" != "$plain" ]
	refute_contains "$built" "socket 1 "
	assert_contains "$built" "socket 2 stream: OK"
	assert_contains "$built" "socketpair unix: OK"
}
