# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the tests of `environment build`: packages made on the spot in a signed repository of the test's own, and an apt that knows
# no other. Nothing is fetched from anywhere.
#
#   shared_environments NAME...     builds these from the distribution's packages, once for all files: XDG_DATA_HOME and
#                                   XDG_CACHE_HOME are shared from there on
#   own_store                       from here on a store and a cache of this test's own that know the shared base
#   package NAME [FIELD...]         a package with one file, usr/share/NAME/hello; the text of its postinst on standard input
#   publish                         (again) lists and signs what `package` made; APT_CONFIG names the repository
#   definition NAME LINE...         a definition of the user's

# In the build tree, or where that is not the tester's, and only for the programs as they are now.
SHARED=$BUILD/tests/environments
[ -w "$BUILD/tests" ] || SHARED=$HOME/.cache/sandrun-test-environments
SHARED_ALL=$SHARED
SHARED=$SHARED/$(cat "$SANDRUN" "$BUILD/sandrun-environment" | cksum | tr ' ' -)

shared_environments() {
	local old
	export XDG_DATA_HOME=$SHARED/data XDG_CACHE_HOME=$SHARED_ALL/cache
	for old in "$SHARED_ALL"/[0-9]*; do
		[ "$old" = "$SHARED" ] || rm -rf "$old"
	done
	mkdir -p "$SHARED"
	sr_plain "$SANDRUN" environment build "$@"
}

# The layers of the shared base are linked, not copied: they are never written.
own_store() {
	local from=$SHARED/data/sandrun/images to=$T/data/sandrun/images
	export XDG_DATA_HOME=$T/data XDG_CACHE_HOME=$T/cache XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state
	STORE=$to
	mkdir -p -m 700 "$T/data" "$T/data/sandrun" "$to" "$to/layers" "$to/names" "$to/work" "$T/repository" || return 1
	cp -al "$from/layers/$(base_layer)" "$to/layers/" && cp "$from/names/base.ini" "$to/names/"
}

base_layer() {
	sed -n 's/^layers = sha256://p' "$SHARED/data/sandrun/images/names/base.ini"
}

package() {
	local name=$1 root=$T/made/$1
	shift
	mkdir -p "$root/DEBIAN" "$root/usr/share/$name" "$root/usr/share/doc/$name"
	echo hello >"$root/usr/share/$name/hello"
	echo 'free for all' >"$root/usr/share/doc/$name/copyright"
	echo 'what changed' >"$root/usr/share/doc/$name/changelog"
	printf '%s\n' "Package: $name" "Version: 1:1.0-1" "Architecture: all" "Maintainer: nobody <nobody@example.org>" "$@" \
		"Description: a package of a test" >"$root/DEBIAN/control"
	cat >"$root/DEBIAN/postinst"
	[ -s "$root/DEBIAN/postinst" ] || rm "$root/DEBIAN/postinst"
	chmod -R u=rwX,go=rX "$root"
	[ ! -e "$root/DEBIAN/postinst" ] || chmod 755 "$root/DEBIAN/postinst"
	dpkg-deb --root-owner-group -Zgzip -b "$root" "$T/repository/$name.deb" >/dev/null
}

# A key pair of a fresh key ring: its name.
make_key() {
	local home=$BATS_RUN_TMPDIR/keys-$1
	[ ! -d "$home" ] || return 0
	mkdir -m 700 "$home"
	gpg --homedir "$home" --batch --quiet --passphrase '' --quick-gen-key "$1@example.org" rsa2048 sign never 3>&- 2>/dev/null &&
		gpg --homedir "$home" --batch --export >"$home/public.gpg" 3>&-
	gpgconf --homedir "$home" --kill all 3>&-
}

publish() {
	local deb
	make_key "${1-test}" || return 1
	for deb in "$T"/repository/*.deb; do
		[ -e "$deb" ] || continue
		dpkg-deb -f "$deb" && printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${deb##*/}" "$(stat -c %s "$deb")" \
			"$(sha256sum <"$deb" | cut -d' ' -f1)"
	done >"$T/repository/Packages"
	printf 'Origin: test\nSuite: test\nDate: %s\nSHA256:\n %s %s Packages\n' "$(LC_ALL=C date -u -R)" \
		"$(sha256sum <"$T/repository/Packages" | cut -d' ' -f1)" "$(stat -c %s "$T/repository/Packages")" >"$T/repository/Release"
	gpg --homedir "$BATS_RUN_TMPDIR/keys-${1-test}" --batch --quiet --yes --clearsign -o "$T/repository/InRelease" \
		"$T/repository/Release" 3>&- || return 1
	gpgconf --homedir "$BATS_RUN_TMPDIR/keys-${1-test}" --kill all 3>&-
	make_key test || return 1
	sources "deb [signed-by=$BATS_RUN_TMPDIR/keys-test/public.gpg] ${2-copy}:$T/repository ./"
}

# apt's only sources from here on.
sources() {
	printf '%s\n' "$@" >"$T/sources.list"
	printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "/dev/null";\n' "$T/sources.list" >"$T/apt.conf"
	export APT_CONFIG=$T/apt.conf
}

definition() {
	local name=$1
	shift
	mkdir -p "$T/config/sandrun/environments"
	printf '%s\n' '[environment]' 'description = of a test' "$@" >"$T/config/sandrun/environments/$name.ini"
}

# Nothing half-made is in the store, and no name but these.
assert_only() {
	assert_equal "$(ls -A "$STORE/work")" "" || return 1
	assert_equal "$(cd "$STORE/names" && printf '%s\n' * | sort | xargs)" "$(printf '%s.ini\n' base "$@" | sort | xargs)" || return 1
	assert_equal "$(ls "$STORE/layers" | wc -l)" "$(($# + 1))"
}
