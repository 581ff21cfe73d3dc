#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is sh sh sh
}

@test "sh: a script file: arguments, standard input as data, status" {
	check_script
}

@test "sh: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "sh: the shebang names the interpreter" {
	check_shebang sh
}

@test "sh: the program on standard input" {
	check_stdin
}

@test "sh: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "sh: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "sh: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "sh: a file beside the script comes in with -i" {
	check_file_beside
}

@test "sh: a run-time error: standard error byte for byte" {
	check_runtime_error
}
