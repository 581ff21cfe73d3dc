#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The store of environments: what `sandrun environment` finds, shows, checks and removes.

load ../lib/common
load images

# An import of a crafted archive under its own name.
take() {
	craft "$1" && sr environment import "$T/$1.tar" && assert_success
}

@test "the usage names every verb; a wrong one is refused with the way out" {
	local verb
	sr environment --help
	assert_success
	for verb in import export list show digest remove prune; do
		grep -q "^  $verb " <<<"$output" || sr_fail "no $verb"
	done
	sr environment
	assert_error 125 "it needs a verb" "--help"
	sr environment lst
	assert_error 125 "cannot use 'sandrun environment lst'" "no such verb"
	sr environment list --bogus
	assert_error 125 "list --bogus" "no such option"
	sr environment list one
	assert_error 125 "too many operands"
	sr environment show
	assert_error 125 "too few operands"
	sr environment import --name
	assert_error 125 "takes a value"
	sr environment import x --max-entries 0
	assert_error 125 "--max-entries" "a number"
	sr environment list --json=1
	assert_error 125 "takes no value"
}

@test "without the program of the environments sandrun says where it belongs" {
	cp "$SANDRUN" "$T/sandrun"
	try "$T/sandrun" environment list
	assert_error 125 "sandrun-environment is missing" "libexec/sandrun/sandrun-environment"
}

@test "no store is an empty one, and listing makes none" {
	sr environment list
	assert_success
	assert_output ""
	sr environment list --json
	assert_output "[]"
	[ ! -e "$T/data" ]
	sr environment show nothing
	assert_error 125 "cannot find the environment nothing" "environment list"
	sr environment digest nothing
	assert_error 125 "cannot find the environment nothing"
	sr environment remove nothing
	assert_error 125 "there is no such environment"
	XDG_DATA_HOME=/proc/none sr environment show x
	assert_error 125 "cannot open /proc/none/sandrun/images" "set XDG_DATA_HOME"
	(unset XDG_DATA_HOME HOME && sr environment show x && assert_error 125 "neither XDG_DATA_HOME nor HOME")
}

@test "list and show: names, sizes, layers" {
	require_cmd jq
	take good
	take oci
	sr environment list
	assert_success
	assert_match "${lines[0]}" '^good +16 B  [0-9]{4}-[0-9]{2}-[0-9]{2}  import .*good\.tar$'
	assert_match "${lines[1]}" '^oci +22 B '
	sr environment show oci
	assert_contains "$output" "layers       sha256:"
	assert_contains "$output" "variables    GREETING=hello"
	refute_contains "$output" "PATH="
	sr environment list --json
	assert_equal "$(jq -r '.[] | .name, (.layers | length), .bytes, .variables.GREETING' <<<"$output" | xargs)" "good 1 16 null oci 2 22 hello"
	assert_equal "$(stat -c %a "$STORE" "$STORE/names/oci.ini" | xargs)" "700 600"
}

@test "a name that is none, and one that is taken" {
	craft good
	local name
	for name in host none '' Upper a/b ../x .hidden -x "$(printf 'a%.0s' {1..65})"; do
		sr environment import "$T/good.tar" "--name=$name"
		assert_error 125 "cannot call an environment" "a name has 1 to 64" || return 1
	done
	sr environment import "$T/good.tar" --name a.b_c-1
	assert_success
	sr environment import "$T/good.tar" --name a.b_c-1
	assert_error 125 "an environment of that name is there" "--force"
	sr environment import "$T/good.tar" --name a.b_c-1 --force
	assert_success
	cp "$T/good.tar" "$T/My Root_1.tar.gz"
	sr environment import "$T/My Root_1.tar.gz"
	assert_success
	assert_match "$output" '^my-root_1  '
	cp "$T/good.tar" "$T/_.tar"
	sr environment import "$T/_.tar"
	assert_error 125 "cannot make a name" "--name"
}

# The format that sandrun-environment(5) documents, by other means.
manifest_by_python() {
	python3 - "$1" <<'PY'
import hashlib, os, stat, sys
top = os.fsencode(sys.argv[1])
def enc(b):
    return "".join("%%%02X" % c if c < 0x21 or c == 0x25 or c > 0x7e else chr(c) for c in b)
paths = []
for d, dirs, files in os.walk(top):
    paths += [os.path.join(d, n)[len(top) + 1:] for n in dirs + files]
print("sandrun-layer v1")
for p in sorted(set(paths)):
    full = os.path.join(top, p)
    st = os.lstat(full)
    if stat.S_ISLNK(st.st_mode):
        print("l 0777 0 - %s -> %s" % (enc(p), enc(os.readlink(full))))
    elif stat.S_ISDIR(st.st_mode):
        try:
            opaque = os.getxattr(full, "user.overlay.opaque") == b"y"
        except OSError:
            opaque = False
        print("%s %04o 0 - %s" % ("o" if opaque else "d", st.st_mode & 0o7777, enc(p)))
    elif stat.S_ISCHR(st.st_mode):
        print("w 0000 0 - %s" % enc(p))
    else:
        data = open(full, "rb").read()
        print("f %04o %d %s %s" % (st.st_mode & 0o7777, len(data), hashlib.sha256(data).hexdigest(), enc(p)))
PY
}

@test "the digest is that of the documented manifest, sorted by whole paths" {
	require_cmd jq
	local name n hex
	mkdir -p "$T/r/usr/a/b" "$T/r/usr/a-x" "$T/r/usr/a.d/z" "$T/r/usr/a0"
	touch "$T/r/usr/a/%" "$T/r/usr/a/b c" "$T/r/usr/a.b" "$T/r/usr/ü" "$T/r/usr/a/"$'\n'
	ln -s 'x y%' "$T/r/usr/a/l"
	ln "$T/r/usr/a/%" "$T/r/usr/hard"
	tar -C "$T/r" -cf "$T/sorted.tar" .
	sr environment import "$T/sorted.tar"
	assert_success
	take oci
	for name in sorted oci; do
		for ((n = 0; n < $("$SANDRUN" environment show --json "$name" 3>&- | jq '.layers | length'); n++)); do
			hex=$(tree_of "$name" "$n")
			manifest_by_python "$hex" >"$T/expected"
			assert_equal "$(sha256sum <"$T/expected" | cut -d' ' -f1)" "$(basename "$(dirname "$hex")")" || return 1
		done
	done
	# and the same text, with the bottom layer first
	manifest_by_python "$(tree_of oci 0)" >"$T/expected"
	manifest_by_python "$(tree_of oci 1)" >>"$T/expected"
	"$SANDRUN" environment digest --manifest oci >"$T/seen" 3>&-
	cmp "$T/seen" "$T/expected"
	grep -q '^w 0000 0 - etc/hello$' "$T/seen"
	grep -q '^o 0755 0 - usr$' "$T/seen"
	# of the stack
	assert_equal "$(digest_of oci)" "sha256:$({ echo 'sandrun-image v1'; "$SANDRUN" environment show --json oci | jq -r '.layers[]'; } | sha256sum | cut -d' ' -f1)"
}

@test "digest finds every change, and says which layer" {
	require_cmd jq
	take good
	local tree change
	tree=$(tree_of good)
	sr environment digest good
	assert_success
	assert_contains "$output" "good     sha256:"
	cp -a "$tree" "$T/before"
	for change in 'echo x >>etc/hello' 'chmod 600 etc/hello' 'rm etc/fine' 'touch etc/new' 'mkdir etc/dir' 'ln -sf other bin/sh' \
		'chmod 700 etc' 'mkfifo etc/pipe' 'chmod u+s bin/tool' 'printf HELLO >etc/fine'; do
		(cd "$tree" && eval "$change")
		sr environment digest good
		assert_status 1 || sr_fail "not seen: $change" || return 1
		assert_contains "$output" "differs  sha256:" || return 1
		rm -rf "$tree" && cp -a "$T/before" "$tree"
	done
	sr environment digest --json good
	assert_success
	assert_equal "$(jq -r '.good, .layers[0].good' <<<"$output" | xargs)" "true true"
	echo >>"$tree/etc/hello"
	sr environment digest --json good
	assert_status 1
	assert_equal "$(jq -r '.good' <<<"$output")" false
	if command -v setfattr >/dev/null; then
		rm -rf "$tree" && cp -a "$T/before" "$tree"
		setfattr -n user.overlay.opaque -v y "$tree/usr"
		sr environment digest good
		assert_status 1
		setfattr -x user.overlay.opaque "$tree/usr"
		setfattr -n user.overlay.redirect -v /etc "$tree/usr"
		sr environment digest good
		assert_status 1
		assert_contains "$output" "user.overlay.redirect"
	fi
}

@test "equal layers are kept once; remove and prune free only what no name has" {
	require_cmd jq
	take oci
	sr environment import "$T/oci.tar" --name other
	assert_success
	craft docker-good
	sr environment import "$T/docker-good.tar"
	assert_success
	assert_equal "$(ls "$STORE/layers" | wc -l)" 2
	take good
	assert_equal "$(ls "$STORE/layers" | wc -l)" 3
	sr environment remove oci docker-good
	assert_success
	assert_output "freed 0 layers, 0 B"
	rm "$STORE/names/other.ini"
	sr environment prune --dry-run
	assert_output "would free 2 layers, 22 B"
	assert_equal "$(ls "$STORE/layers" | wc -l)" 3
	sr environment prune --json
	assert_equal "$(jq -r '.layers, .bytes, .busy' <<<"$output" | xargs)" "2 22 0"
	assert_equal "$(ls "$STORE/layers" | wc -l)" 1
	assert_store_whole
	sr environment remove good
	assert_output "freed 1 layer, 16 B"
	assert_store_empty
}

@test "of several names those that are there are removed, and the others are said" {
	craft good
	sr environment import "$T/good.tar" --name one
	sr environment import "$T/good.tar" --name two
	sr environment remove one nosuch two neither
	assert_status 125
	assert_contains "$stderr" "cannot remove nosuch: there is no such environment"
	assert_contains "$stderr" "cannot remove neither: there is no such environment"
	assert_contains "$output" "freed 1 layer, "
	assert_store_empty
	sr environment import "$T/good.tar" --name one
	sr environment remove nosuch
	assert_error 125 "cannot remove nosuch"
	assert_equal "$(digest_of one | wc -l)" 1
}

@test "show --json has a variable's text as it is" {
	craft oci-variables
	sr environment import "$T/oci-variables.tar" --name v
	assert_success
	assert_equal "$("$SANDRUN" environment show --json v 3>&- | jq -r .variables.SLASH)" 'C:\n\x41'
	assert_equal "$("$SANDRUN" environment show --json v 3>&- | jq -r .variables.LETTERS)" $'gr\u00fc\u202e\u009b\\'
	LC_ALL=C sr environment show --json v
	assert_success
	assert_equal "$(LC_ALL=C tr -d '\n\040-\176' <<<"$output")" ""
}

@test "a layer that a run uses is kept until it ends" {
	require_cmd jq flock
	take good
	local layer
	layer=$(dirname "$(tree_of good)")
	exec 9<"$layer"
	flock -s 9
	sr environment remove good
	assert_success
	assert_contains "$output" "kept 1 layer that a run uses"
	[ -d "$layer/tree" ]
	exec 9<&-
	sr environment prune
	assert_output "freed 1 layer, 16 B"
	[ ! -e "$layer" ]
}

@test "a damaged name stops nothing but itself, and prune" {
	take good
	take oci
	head -c 100 "$STORE/names/oci.ini" >"$T/cut" && cp "$T/cut" "$STORE/names/oci.ini"
	sr environment list
	assert_success
	assert_contains "$output" "good "
	assert_contains "$output" "oci   (broken)"
	sr environment show oci
	assert_error 125 "cannot use the environment oci" "environment remove oci"
	chmod 000 "$STORE/names/oci.ini"
	if [ "$(id -u)" != 0 ]; then
		sr environment prune
		assert_error 125 "cannot read" "nothing was removed"
		assert_equal "$(ls "$STORE/layers" | wc -l)" 3
	fi
	sr environment remove oci
	assert_success
	assert_contains "$output" "freed 2 layers"
	assert_store_whole
}

@test "a changed layer is mended by removing and importing again, one without its tree by importing" {
	require_cmd jq
	take good
	echo >>"$(tree_of good)/etc/hello"
	sr environment digest good
	assert_status 1
	assert_contains "$stderr" "environment remove good"
	sr environment remove good
	sr environment import "$T/good.tar"
	assert_success
	assert_store_whole
	rm -rf "$(tree_of good)"
	sr environment digest good
	assert_status 1
	sr environment import "$T/good.tar" --force
	assert_success
	assert_store_whole
}

@test "a store that others may write is not used" {
	take good
	chmod g+w "$STORE/layers"
	sr environment list
	assert_error 125 "Operation not permitted" "chmod go-w"
	chmod g-w "$STORE/layers"
	chmod 755 "$STORE"
	sr environment list
	assert_success
	assert_equal "$(stat -c %a "$STORE")" 700
}

@test "many at once: every import comes in whole" {
	local i pids=()
	craft oci
	for i in 1 2 3 4 5 6; do
		sr_raw environment import "$T/oci.tar" --name "n$i" </dev/null >/dev/null 2>&1 &
		pids+=($!)
	done
	sr_raw environment prune </dev/null >/dev/null 2>&1 &
	pids+=($!)
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_equal "$("$SANDRUN" environment list 3>&- | wc -l)" 6
	assert_equal "$(ls "$STORE/layers" | wc -l)" 2
	assert_store_whole
}

@test "trees of any mode and any depth are removed" {
	take good
	mkdir -p "$STORE/work/0123456789abcdef/x/tree"
	python3 - "$STORE/work/0123456789abcdef/x" <<'PY'
import os, sys
os.chdir(sys.argv[1])
for i in range(3000):
    os.mkdir("d")
    os.chdir("d")
PY
	mkdir -p "$STORE/work/0123456789abcdef/closed/in"
	chmod 000 "$STORE/work/0123456789abcdef/closed/in" "$STORE/work/0123456789abcdef/closed"
	sr environment prune
	assert_success
	assert_contains "$output" "what 1 killed maker"
	assert_equal "$(ls -A "$STORE/work")" ""
	assert_store_whole
}
