h = { "a" => "}" }
puts "x #{h["a"]} #{"deep #{h.size} require 'pg'"}"
require 'rack/utils'
puts Rack::Utils.escape(?a + ?' + :"sym '".to_s)
