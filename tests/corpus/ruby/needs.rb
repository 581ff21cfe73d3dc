begin
  require 'nokogiri'
rescue LoadError => e
  abort "gem install nokogiri (#{e.message})"
end
puts Nokogiri::VERSION
