require 'json'
require "set"
words = $stdin.read.split(/\W+/)
puts JSON.generate(words.tally.sort_by { |w, n| -n }.first(5))
