# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the tests of the store: a store of each test's own, crafted archives, and what is in the store.

export XDG_DATA_HOME=$T/data
STORE=$T/data/sandrun/images

# craft KIND [FILE]: an archive of tests/environment/craft.py, "$T/KIND.tar" unless named. Hostile ones reach for "$T/outside".
craft() {
	mkdir -p "$T/outside"
	sr_plain python3 "$TESTS/environment/craft.py" "$1" "${2-$T/$1.tar}" "$T/outside"
}

# The tree of the one layer, or of layer N counted from the bottom, of an environment.
tree_of() {
	local hex
	hex=$("$SANDRUN" environment show --json "$1" 3>&- | jq -er ".layers[${2-0}]") || return 1
	printf '%s\n' "$STORE/layers/${hex#sha256:}/tree"
}

digest_of() {
	"$SANDRUN" environment show --json "$1" 3>&- | jq -er .digest
}

# Nothing at all is in the store, not even half of it.
assert_store_empty() {
	assert_equal "$(find "$STORE/layers" "$STORE/names" "$STORE/work" -mindepth 1 2>/dev/null)" ""
}

# Everything in the store is whole: each digest is right, and nothing is being made.
assert_store_whole() {
	local name
	assert_equal "$(ls -A "$STORE/work")" "" || return 1
	for name in $("$SANDRUN" environment list --json 3>&- | jq -r '.[].name'); do
		sr environment digest "$name"
		assert_success || return 1
	done
}
