out = []
out << "a" << 'b'
class << self
  def /(other) = other
end
require 'sinatra'
puts out, $', $", [:/, :%]
