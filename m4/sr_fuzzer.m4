dnl SPDX-License-Identifier: MIT

dnl SR_FUZZER: ends configure unless $CC can link a libFuzzer target.
AC_DEFUN([SR_FUZZER], [
  AC_MSG_CHECKING([whether $CC has libFuzzer])
  sr_saved_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -fsanitize=fuzzer,address,undefined"
  AC_LINK_IFELSE([AC_LANG_SOURCE([[int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);
int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { (void)data; return size == (unsigned long)-1; }]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([--enable-fuzzing: no libFuzzer; use CC=clang (on Debian the packages clang and libclang-rt-dev of its version)])])
  CFLAGS=$sr_saved_CFLAGS
])
