# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A store of environments made by hand, for tests of the run's side, after ./common: sandrun-environment(5).
#
#   store_new                       an empty store in $XDG_DATA_HOME, which is set to $T/data; $STORE is its folder
#   store_layer FOLDER              moves the folder into the store; prints the layer's digest (some digest: a run computes none)
#   store_name NAME DIGEST...       gives the layers, bottom first, a name; more sections on standard input
#   store_state                     a digest of everything in it, kinds, modes, owners, times, links, contents

store_new() {
	export XDG_DATA_HOME=$T/data
	STORE=$XDG_DATA_HOME/sandrun/images
	install -d -m 700 "$XDG_DATA_HOME" "$XDG_DATA_HOME/sandrun" "$STORE" "$STORE/names" "$STORE/layers"
}

store_layer() {
	local hex
	hex=$(printf '%s %s' "$1" "$RANDOM$RANDOM$RANDOM" | sha256sum | cut -d' ' -f1)
	install -d -m 700 "$STORE/layers/$hex"
	mv "$1" "$STORE/layers/$hex/tree"
	echo "sha256:$hex"
}

# Of the stack of layers.
store_digest() {
	{
		echo 'sandrun-image v1'
		printf '%s\n' "$@"
	} | sha256sum | cut -d' ' -f1
}

store_name() {
	local name=$1
	shift
	{
		printf '[image]\ndigest = sha256:%s\nlayers =' "$(store_digest "$@")"
		printf '\t%s\n' "$@"
		printf 'description = made by hand\ncreated = 2026-11-21T00:00:00Z\nbytes = 1\n'
		cat
	} >"$STORE/names/$name.ini"
	chmod 600 "$STORE/names/$name.ini"
}

store_state() {
	(cd "$STORE" && find . -printf '%P %y %m %U %G %s %T@ %C@ %n %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum) | sha256sum
}
