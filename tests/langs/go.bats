#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is_compiled go go go build
}

@test "go: a script file: arguments, standard input as data, status" {
	check_script
}

@test "go: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "go: the program on standard input" {
	check_stdin
}

@test "go: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "go: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "go: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "go: a file beside the script comes in with -i" {
	check_file_beside
}

@test "go: a run-time error: standard error byte for byte" {
	check_runtime_error
}

@test "go: what the compiler says, byte for byte" {
	check_compile_error
}
