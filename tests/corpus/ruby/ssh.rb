require 'net/ssh'
Net::SSH.start('host', 'user') { |s| puts s.exec!('ls') }
