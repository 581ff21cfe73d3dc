require_relative 'lib/thing'
require './other'
load 'x.rb'
puts Thing.new
