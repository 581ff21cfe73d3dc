LIST = %w[require nokogiri 'pg' "x]
TEXT = %q(require 'rails' (nested) ')
n = 7 % 3
require 'rack'
puts LIST, TEXT, n, Rack.release
