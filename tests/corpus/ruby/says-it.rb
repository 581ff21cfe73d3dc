# frozen_string_literal: true
# sandrun: environment = ruby
puts RUBY_VERSION
