#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is bash bash bash
}

@test "bash: a script file: arguments, standard input as data, status" {
	check_script
}

@test "bash: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "bash: the shebang names the interpreter" {
	check_shebang bash
}

@test "bash: the program on standard input" {
	check_stdin
}

@test "bash: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "bash: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "bash: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "bash: a file beside the script comes in with -i" {
	check_file_beside
}

@test "bash: a run-time error: standard error byte for byte" {
	check_runtime_error
}
