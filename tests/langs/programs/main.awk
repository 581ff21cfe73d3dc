BEGIN {
	for (i = 1; i < ARGC; i++) {
		print "<" ARGV[i] ">"
		ARGV[i] = ""
	}
	print "grüße, 世界"
	if ((getline line < "beside.txt") > 0)
		print "beside: " line
	while ((getline line < "-") > 0)
		print "in: " line
	exit 7
}
