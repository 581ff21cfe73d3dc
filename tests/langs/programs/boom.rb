def f(x)
  x / 0
end
puts "before"
f(1)
