line = "a/b"
parts = line.split /'/
half = line.size / 2; rest = line.size / 3
require 'puma' if line =~ /require "pg"/
puts parts, half, rest
