use strict;
use warnings;
sub f { die "boom" }
print "before\n";
f(1);
