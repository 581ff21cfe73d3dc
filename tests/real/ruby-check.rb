# SPDX-License-Identifier: MIT
# Ruby's own parts, by test-unit (Debian's ruby-test-unit).
require "digest"
require "drb"
require "etc"
require "fileutils"
require "json"
require "net/http"
require "open3"
require "openssl"
require "psych"
require "pty"
require "securerandom"
require "socket"
require "tempfile"
require "test/unit"
require "timeout"
require "tmpdir"
require "zlib"

class RubyCheck < Test::Unit::TestCase
  def test_threads_queue_and_mutex
    queue = Queue.new
    lock = Mutex.new
    sum = 0
    workers = 8.times.map { Thread.new { while (n = queue.pop) != :end do lock.synchronize { sum += n } end } }
    1000.times { |n| queue << n }
    8.times { queue << :end }
    workers.each(&:join)
    assert_equal 499_500, sum
  end

  def test_condition_variable_and_timeout
    assert_raise(Timeout::Error) { Timeout.timeout(0.05) { sleep 5 } }
    lock = Mutex.new
    ready = ConditionVariable.new
    done = false
    thread = Thread.new { lock.synchronize { done = true; ready.signal } }
    lock.synchronize { ready.wait(lock, 5) until done }
    thread.join
    assert done
  end

  def test_fork_wait_and_pipe
    reader, writer = IO.pipe
    pid = fork { reader.close; writer.write "from #{Process.pid}"; exit! 3 }
    writer.close
    assert_equal "from #{pid}", reader.read
    Process.wait pid
    assert_equal 3, $?.exitstatus
  end

  def test_many_children
    pids = 30.times.map { |n| fork { exit! n } }
    assert_equal (0...30).to_a, pids.map { |pid| Process.wait2(pid)[1].exitstatus }
  end

  def test_ractor
    experimental = Warning[:experimental]
    Warning[:experimental] = false
    assert_equal 55, Ractor.new { (1..10).sum }.take
  ensure
    Warning[:experimental] = experimental
  end

  def test_open3_and_spawn
    out, err, status = Open3.capture3("sh", "-c", "cat; echo err >&2; exit 4", stdin_data: "in")
    assert_equal ["in", "err\n", 4], [out, err, status.exitstatus]
    assert_equal "x\n", `echo x`
    assert_raise(Errno::ENOENT) { Process.spawn("no-such-program") }
  end

  def test_signals
    seen = []
    old = trap("USR1") { seen << :usr1 }
    Process.kill("USR1", Process.pid)
    Timeout.timeout(5) { sleep 0.01 while seen.empty? }
    trap("USR1", old)
    assert_equal [:usr1], seen
    pid = spawn("sleep", "60")
    Process.kill("TERM", pid)
    Process.wait pid
    assert_equal Signal.list["TERM"], $?.termsig
  end

  def test_tcp_on_the_loopback
    ["127.0.0.1", "::1"].each do |address|
      server = TCPServer.new(address, 0)
      thread = Thread.new { client = server.accept; client.puts client.gets.upcase; client.close }
      client = TCPSocket.new(address, server.addr[1])
      client.puts "hello"
      assert_equal "HELLO\n", client.gets
      thread.join
      server.close
    end
  end

  def test_unix_sockets
    Dir.mktmpdir do |dir|
      server = UNIXServer.new("#{dir}/socket")
      thread = Thread.new { client = server.accept; client.write "hi"; client.close }
      assert_equal "hi", UNIXSocket.new("#{dir}/socket").read
      thread.join
    end
    a, b = UNIXSocket.pair
    file = File.open("/dev/null")
    a.send_io file
    assert_equal file.stat.ino, b.recv_io.stat.ino
  end

  def test_udp
    a = UDPSocket.new
    a.bind("127.0.0.1", 0)
    UDPSocket.new.send("ping", 0, "127.0.0.1", a.addr[1])
    assert_equal "ping", a.recv(10)
  end

  def test_http_by_hand
    server = TCPServer.new("localhost", 0)
    thread = Thread.new do
      client = server.accept
      nil until client.gets.strip.empty?
      client.write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
      client.close
    end
    assert_equal "ok", Net::HTTP.get(URI("http://localhost:#{server.addr[1]}/"))
    thread.join
  end

  def test_drb
    DRb.start_service("druby://127.0.0.1:0", [3, 1, 2])
    assert_equal [1, 2, 3], DRbObject.new_with_uri(DRb.uri).sort
  ensure
    DRb.stop_service
  end

  def test_etc
    assert_equal Process.uid, Etc.getpwuid.uid
    assert_equal Dir.home, Etc.getpwuid.dir if ENV["SANDRUN"]
    assert Etc.getgrgid(Process.gid).name
    assert Etc.nprocessors >= 1
    assert_equal "Linux", Etc.uname[:sysname]
  end

  def test_tempfile_and_folders
    path = Tempfile.create do |file|
      file.write "x" * 100_000
      file.flush
      assert_equal 100_000, File.size(file.path)
      file.path
    end
    assert !File.exist?(path)
    Dir.mktmpdir do |dir|
      FileUtils.mkdir_p "#{dir}/a/b"
      File.write "#{dir}/a/b/c", "ü"
      FileUtils.cp_r "#{dir}/a", "#{dir}/d"
      FileUtils.mv "#{dir}/d", "#{dir}/e"
      assert_equal ["a", "a/b", "a/b/c", "e", "e/b", "e/b/c"], Dir.glob("**/*", base: dir).sort
      File.chmod 0o600, "#{dir}/e/b/c"
      assert_equal 0o600, File.stat("#{dir}/e/b/c").mode & 0o777
      File.open("#{dir}/lock", "w") { |file| assert_equal 0, file.flock(File::LOCK_EX) }
    end
  end

  def test_pty
    PTY.spawn("sh", "-c", "test -t 0 && test -t 1 && echo terminal") do |reader, _, pid|
      text = begin reader.gets rescue Errno::EIO end
      assert_equal "terminal", text.to_s.strip
      Process.wait pid
    end
  end

  def test_json_yaml_zlib_digest_openssl
    data = { "a" => [1, 2.5, nil, "ü"] }
    assert_equal data, JSON.parse(JSON.generate(data))
    assert_equal data, Psych.load(Psych.dump(data))
    assert_equal "x" * 1000, Zlib.inflate(Zlib.deflate("x" * 1000))
    assert_equal "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Digest::SHA256.hexdigest("abc")
    assert_equal Digest::SHA256.hexdigest("abc"), OpenSSL::Digest::SHA256.hexdigest("abc")
    key = OpenSSL::PKey::EC.generate("prime256v1")
    assert key.dsa_verify_asn1("digest", key.dsa_sign_asn1("digest"))
    assert_equal 32, SecureRandom.bytes(32).bytesize
  end

  def test_select_and_nonblocking
    reader, writer = IO.pipe
    assert_nil IO.select([reader], nil, nil, 0.01)
    writer.write "x"
    assert_equal [[reader], [], []], IO.select([reader], nil, nil, 1)
    assert_equal "x", reader.read_nonblock(10)
    assert_raise(IO::EAGAINWaitReadable) { reader.read_nonblock(1) }
  end

  def test_clocks_and_limits
    assert Process.clock_gettime(Process::CLOCK_MONOTONIC) > 0
    assert Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) > 0
    assert Process.getrlimit(:NOFILE)[0] > 0
    assert_operator Process.getpgid(0), :>, 0
  end
end
