use strict;
use warnings;
print "<$_>\n" for @ARGV;
print "grüße, 世界\n";
if (open(my $beside, "<", "beside.txt")) {
	print "beside: ", <$beside>;
}
while (my $line = <STDIN>) {
	print "in: $line";
}
exit 7;
