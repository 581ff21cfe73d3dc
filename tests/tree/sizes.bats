#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# No function over 100 lines, no file over 800.

load ../lib/common

# "LINES FILE FUNCTION" for every function below the folders.
functions() {
	ctags --languages=C --langmap=C:.c.h -R --fields=+ne --kinds-C=f -o - "$@" 2>/dev/null | awk -F'\t' '{
		line = end = 0
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) line = substr($i, 6)
			if ($i ~ /^end:/) end = substr($i, 5)
		}
		print end - line + 1, $2, $1
	}'
}

setup() {
	require_cmd ctags
	ctags --version | grep -q Universal || skip "this ctags is not Universal Ctags"
}

@test "the check itself finds a long function" {
	{ echo 'int f(void)'; echo '{'; yes '	g();' | head -n 120; echo '	return 0;'; echo '}'; } >"$T/long.c"
	assert_equal "$(functions "$T" | awk '{ print $1, $3 }')" "124 f"
}

@test "no function has more than 100 lines" {
	local all
	all=$(cd "$TOP" && functions src tests/unit tests/probes)
	[ "$(wc -l <<<"$all")" -gt 100 ]
	assert_equal "$(awk '$1 > 100' <<<"$all")" ""
}

@test "no file has more than 800 lines" {
	assert_equal "$(cd "$TOP" && find src tests bench -name '*.[ch]' -size +1k -exec wc -l {} + | awk '$2 != "total" && $1 > 800')" ""
}
