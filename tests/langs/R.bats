#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is R R Rscript
}

@test "R: a script file: arguments, standard input as data, status" {
	check_script
}

@test "R: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "R: the shebang names the interpreter" {
	check_shebang Rscript
}

@test "R: the program on standard input" {
	check_stdin
}

@test "R: the program on standard input with arguments" {
	check_stdin_arguments
}

@test "R: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "R: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "R: a file beside the script comes in with -i" {
	check_file_beside
}

@test "R: a run-time error: standard error byte for byte" {
	check_runtime_error
}
