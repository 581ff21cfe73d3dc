sql = <<~SQL
  require 'sequel'
  select '#{1 + 1}
SQL
other = [<<-A, <<~'B'].join
require 'nokogiri'
  A
  require 'pg'
B
puts sql, other
