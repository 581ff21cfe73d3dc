#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is node js node
}

@test "node: a script file: arguments, standard input as data, status" {
	check_script
}

@test "node: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "node: the shebang names the interpreter" {
	check_shebang node
}

@test "node: the program on standard input" {
	check_stdin
}

@test "node: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "node: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "node: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "node: a file beside the script comes in with -i" {
	check_file_beside
}

@test "node: a run-time error: standard error byte for byte" {
	check_runtime_error
}
