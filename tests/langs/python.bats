#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is python py /usr/bin/python3
}

@test "python: a script file: arguments, standard input as data, status" {
	check_script
}

@test "python: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "python: the shebang names the interpreter" {
	check_shebang python3
}

@test "python: the program on standard input" {
	check_stdin
}

@test "python: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "python: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "python: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "python: a file beside the script comes in with -i" {
	check_file_beside
}

@test "python: a run-time error: standard error byte for byte" {
	check_runtime_error
}
