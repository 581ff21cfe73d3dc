BEGIN {
	print "before"
	fflush()
	pattern = "("
	print "x" ~ pattern
}
