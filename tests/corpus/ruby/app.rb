require 'sinatra/base'
class App < Sinatra::Base
  get('/') { "require 'rails' #{Time.now.year / 2}" }
end
