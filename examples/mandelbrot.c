/* SPDX-License-Identifier: MIT */
/*
 * The Mandelbrot set in characters. Compiled and run inside:
 *
 *     sandrun examples/mandelbrot.c [COLUMNS [ROWS]]
 */
#include <complex.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 60

static int steps_to_leave(double complex c)
{
	double complex z = 0;
	int n = 0;

	while (n < STEPS && creal(z) * creal(z) + cimag(z) * cimag(z) < 4) {
		z = z * z + c;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	int columns = argc > 1 ? atoi(argv[1]) : 72, rows = argc > 2 ? atoi(argv[2]) : 24;

	if (columns < 2 || rows < 2 || columns > 1000 || rows > 1000) {
		fputs("usage: mandelbrot [COLUMNS [ROWS]], each from 2 to 1000\n", stderr);
		return 2;
	}
	for (int y = 0; y < rows; y++) {
		for (int x = 0; x < columns; x++) {
			double re = -2.2 + 3.0 * x / (columns - 1), im = -1.2 + 2.4 * y / (rows - 1);

			putchar(" .:-=+*%@#"[steps_to_leave(re + im * I) * 9 / STEPS]);
		}
		putchar('\n');
	}
	return 0;
}
