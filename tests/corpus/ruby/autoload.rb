module M
  autoload :Heavy, 'heavy/gem'
end
puts M.autoload?(:Heavy)
