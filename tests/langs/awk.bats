#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

load forms

setup() {
	lang_is awk awk awk -f
}

@test "awk: a script file: arguments, standard input as data, status" {
	check_script
}

@test "awk: a file without an extension and --lang" {
	check_lang_of_a_file
}

@test "awk: -c CODE: arguments, standard input as data, status" {
	check_code
}

@test "awk: a script's name, argument and input that are not ASCII" {
	check_unicode_argument
}

@test "awk: a file beside the script comes in with -i" {
	check_file_beside
}

@test "awk: a run-time error: standard error byte for byte" {
	check_runtime_error
}
