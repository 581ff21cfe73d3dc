require 'net/http'
require 'uri'
require 'io/console'
puts Net::HTTP, URI('http://x/').host, IO.console&.winsize.inspect
