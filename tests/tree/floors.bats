#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who may include whom: a file includes its own folder and the folders below it, by "floor/file.h".

load ../lib/common

# From the ground up. archive, environment, scope and tools are programs of their own.
rank() {
	case $1 in
	base) echo 0 ;;
	sys) echo 1 ;;
	policy) echo 2 ;;
	image) echo 3 ;;
	plan) echo 4 ;;
	stage) echo 5 ;;
	evidence) echo 6 ;;
	run) echo 7 ;;
	service) echo 8 ;;
	cli) echo 9 ;;
	archive | scope) echo 6 ;; # run starts them and knows their protocols
	environment) echo 8 ;;        # started as a program, included by nobody
	tools) echo 5 ;;
	esac
}

# One line "file: included" an include of ours.
includes() {
	(cd "$TOP" && grep -rEno '^#[ \t]*include[ \t]+"[^"]+"' --include='*.[ch]' --include='*.def' src |
		sed -E 's/^([^:]+):[0-9]+:.*"([^"]+)"/\1 \2/')
}

# Prints what breaks the order among "file included" lines.
judge() {
	local file included from to
	while read -r file included; do
		from=${file#src/} from=${from%%/*}
		to=${included%%/*}
		if [ "$to" = "$included" ] || [ -z "$(rank "$to")" ]; then
			echo "$file: \"$included\" does not name its floor"
		elif [ -z "$(rank "$from")" ]; then
			echo "$file: a floor that nobody knows"
		elif [ "$from" != "$to" ] && [ "$(rank "$to")" -ge "$(rank "$from")" ]; then
			echo "$file: \"$included\" is not below"
		fi
	done
}

@test "the check itself finds an include of a higher floor" {
	assert_contains "$(judge <<<'src/base/str.c run/run.h')" "is not below"
	assert_contains "$(judge <<<'src/run/run.c run.h')" "does not name its floor"
	assert_contains "$(judge <<<'src/attic/x.c base/str.h')" "nobody knows"
	assert_equal "$(judge <<<'src/run/run.c base/str.h')" ""
}

@test "a file includes only its own floor and those below" {
	local list
	list=$(includes)
	[ "$(wc -l <<<"$list")" -gt 20 ]
	assert_equal "$(judge <<<"$list")" ""
}

@test "the trusted core includes itself, the kernel's wrappers and the plan's plain data" {
	assert_equal "$(includes | grep '^src/stage/' | grep -vE ' (stage/[a-z-]+\.h|sys/kernel\.h|plan/plan\.h)$')" ""
}

@test "only cli, service and the programs print or exit" {
	local found
	found=$(cd "$TOP" && grep -nE '\b(printf|puts|putchar|perror|exit|abort)\(|fprintf\(std(out|err)|<err\.h>' \
		src/{base,sys,policy,plan,stage,evidence,image,run}/*.c 2>/dev/null |
		grep -vE '_exit\(|src/base/compat-musl\.c' || true)
	assert_equal "$found" ""
}
