%w[nokogiri rack].each { |feature| require feature }
puts Rack.release
