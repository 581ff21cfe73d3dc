ARGV.each { |arg| puts "<#{arg}>" }
puts "grüße, 世界"
puts "beside: " + File.read("beside.txt") if File.exist?("beside.txt")
$stdin.each_line { |line| puts "in: " + line }
exit 7
