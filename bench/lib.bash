# SPDX-License-Identifier: MIT
# What the benches share: options, the program under test, an ordinary user, a folder for what is built. Sourced, not
# run.

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bench_temp=
bench_user=${SANDRUN_BENCH_USER:-sandrun-bench}
drop=()

# The sandbox every table is measured against: the same layers as a plain run of sandrun has, as far as bwrap has them.
bwrap_options=(--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib
	--symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --die-with-parent --new-session)

bench_fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

bench_cleanup() {
	[ -z "$bench_temp" ] || rm -rf "$bench_temp"
}

# Sets sandrun to the program's absolute path: the argument, $SANDRUN or build/sandrun.
bench_find_sandrun() {
	sandrun=$(realpath -- "${1:-${SANDRUN:-$bench_dir/../build/sandrun}}") ||
		bench_fail "no sandrun; build it or name it: ${0##*/} [OPTION...] PATH-TO-SANDRUN"
	[ -x "$sandrun" ] || bench_fail "$sandrun is no program; build it or name it"
}

# As root, the contestants run as an ordinary user, made once; a bench of root would measure another path through
# sandrun.
bench_find_user() {
	[ "$(id -u)" = 0 ] || return 0
	id -- "$bench_user" >/dev/null 2>&1 || useradd --no-create-home --shell /usr/sbin/nologin -- "$bench_user" ||
		bench_fail "cannot make the user $bench_user"
	drop=(setpriv --reuid "$bench_user" --regid "$(id -g "$bench_user")" --clear-groups --inh-caps=-all)
}

# Everything is built and kept in a new folder under /var/tmp or $TMPDIR, copied sandrun included: its own folder may be
# closed to the ordinary user.
bench_prepare() {
	bench_temp=$(mktemp -d "${TMPDIR:-/var/tmp}/sandrun-bench.XXXXXX") || bench_fail "cannot make a folder"
	trap bench_cleanup EXIT
	[[ $bench_temp != *[[:space:]]* ]] || bench_fail "TMPDIR must not have blanks in it"
	chmod 755 "$bench_temp"
	mkdir "$bench_temp/home"
	[ -z "$sandrun" ] || cp -- "$sandrun" "$bench_temp/sandrun"
	[ ${#drop[@]} = 0 ] || chown "$bench_user" "$bench_temp/home"
	clean_environment=(env -i "PATH=/usr/local/bin:/usr/bin:/bin" "HOME=$bench_temp/home" LANG=C.UTF-8)
	cd "$bench_temp" || exit 1
}

# bench_compile NAME [FLAG...]: bench/NAME.c into the folder. A machine without a compiler (the guest of tests/vm) brings
# the program as bench/NAME.bin.
bench_compile() {
	local name=$1
	shift
	if [ -x "$bench_dir/$name.bin" ]; then
		cp -- "$bench_dir/$name.bin" "$bench_temp/$name"
	else
		"${CC:-cc}" -std=gnu17 -O2 "$@" -o "$bench_temp/$name" "$bench_dir/$name.c" ||
			bench_fail "cannot compile $name.c"
	fi
	chmod 755 "$bench_temp/$name"
}

# bench_as_user COMMAND...: as the ordinary user with a clean environment.
bench_as_user() {
	"${drop[@]}" "${clean_environment[@]}" "$@"
}

# Sets place to the setup script that makes a launcher the ordinary user's (see bench.c).
bench_make_place() {
	printf '#!/bin/sh\nexec%s "$@"\n' "$(printf ' %q' "${drop[@]}" "${clean_environment[@]}")" >user-place
	chmod 755 user-place
	place=@$bench_temp/user-place
}

bench_machine() {
	echo "# $(uname -sr), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
		"load $(cut -d' ' -f1 /proc/loadavg), $(date -u +%Y-%m-%d)"
	echo "# $(bench_as_user ./sandrun --version | head -n 1); $(bwrap --version 2>/dev/null || echo 'no bwrap')"
}
