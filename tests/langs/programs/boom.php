<?php
function f($x) {
	return intdiv($x, 0);
}
fwrite(fopen("php://stdout", "w"), "before\n");
f(1);
