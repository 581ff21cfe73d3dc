require 'rails'
require 'active_support/core_ext'
puts 5.minutes
