=begin
require 'nokogiri'
=end
puts 1
__END__
require 'puma'
