#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Perl's own parts, by Test::More.
use strict;
use warnings;
use threads;
use threads::shared;
use Cwd qw(getcwd);
use Digest::SHA qw(sha256_hex);
use Encode qw(decode encode);
use Fcntl qw(:flock);
use File::Copy qw(copy);
use File::Find qw(find);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir tempfile);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Open3;
use POSIX qw(:sys_wait_h);
use Socket;
use Storable qw(dclone freeze thaw);
use Symbol qw(gensym);
use Test::More;
use Time::HiRes qw(sleep time);

my $pid = fork // die "fork: $!";
exit 3 unless $pid;
waitpid($pid, 0);
is($? >> 8, 3, "fork and wait");

my $sum : shared = 0;
$_->join for map { my $n = $_; threads->create(sub { lock($sum); $sum += $n }) } 1 .. 10;
is($sum, 55, "threads");

my $err = gensym;
my $child = open3(my $in, my $out, $err, "sh", "-c", "cat; echo err >&2; exit 5");
print $in "data";
close $in;
is(join("", <$out>), "data", "open3: standard output");
is(join("", <$err>), "err\n", "open3: standard error");
waitpid($child, 0);
is($? >> 8, 5, "open3: status");
is(`echo hello`, "hello\n", "backticks");

my $dir = tempdir(CLEANUP => 1);
make_path("$dir/a/b");
open(my $file, ">", "$dir/a/b/c") or die "open: $!";
print $file "text\n";
close $file;
copy("$dir/a/b/c", "$dir/d");
my $count = 0;
find(sub { $count++ if -f }, $dir);
is($count, 2, "File::Path, File::Copy, File::Find");
open($file, "<", "$dir/d") or die "open: $!";
ok(flock($file, LOCK_EX | LOCK_NB), "flock");
symlink("d", "$dir/link");
is(readlink("$dir/link"), "d", "symlink");
remove_tree("$dir/a");
ok(!-e "$dir/a", "remove_tree");

{
	my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", Proto => "tcp") or die "listen: $!";
	my $kid = fork // die "fork: $!";
	unless ($kid) {
		my $client = $server->accept;
		print $client uc <$client>;
		POSIX::_exit(0);
	}
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport, Proto => "tcp");
	print $socket "loop\n";
	is(<$socket>, "LOOP\n", "TCP on the loopback");
	waitpid($kid, 0);
}
socketpair(my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
syswrite($left, "x");
is((IO::Select->new($right)->can_read(1))[0], $right, "socketpair and select");
my $unix = IO::Socket::UNIX->new(Local => "$dir/socket", Listen => 1);
ok($unix, "a socket in a folder");

my $alarmed = 0;
local $SIG{ALRM} = sub { $alarmed++ };
Time::HiRes::alarm(0.05);
sleep 1;
is($alarmed, 1, "alarm");
my ($name) = getpwuid($<);
ok(defined $name, "getpwuid");
is((getpwnam($name))[2], $<, "getpwnam");
ok(gethostbyname("localhost"), "gethostbyname localhost");
is(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "Digest::SHA");
is_deeply(thaw(freeze({ a => [1, 2] })), { a => [1, 2] }, "Storable");
is(length decode("UTF-8", "grüße"), 5, "Encode");
ok((POSIX::uname())[0] eq "Linux", "uname");
ok(getcwd(), "getcwd");
done_testing();
