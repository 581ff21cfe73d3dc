require 'nokogiri'
require 'open-uri'
doc = Nokogiri::HTML("<p>it's</p>")
puts doc.css('p').map(&:text)
