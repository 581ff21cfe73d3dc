begin
  require 'pry'
rescue LoadError
  # fine without
end
puts 'ok'
