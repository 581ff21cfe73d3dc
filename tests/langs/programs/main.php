<?php
foreach (array_slice($argv, 1) as $arg) {
	echo "<$arg>\n";
}
echo "grüße, 世界\n";
if (file_exists("beside.txt")) {
	echo "beside: " . file_get_contents("beside.txt");
}
$input = fopen("php://stdin", "r");
while (($line = fgets($input)) !== false) {
	echo "in: $line";
}
exit(7);
