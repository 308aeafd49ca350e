package Wgw;

# Gateways for tests that are about state, signals and bytes.  Blocks of
# request and reply are Test::Nginx's; see Wgw::Blocks.
#
#     my $gw = Wgw->new(<<'EOF');             # %%NAME%% is a free port
#     events { }
#     http { server { listen 127.0.0.1:%%HTTP%%; ... } }
#     EOF
#
#     $gw->start();
#     my $reply = http_get($gw->port('HTTP'), '/', host => 'a.example');
#     is($reply->{status}, 200, 'served');
#     $gw->kill();                            # all of it, with signal 9
#     $gw->start();
#     $gw->stop();                            # and a test of the error log
#
# The prefix is a directory of the gateway's own, kept over restarts; our
# modules are loaded; workers are an unprivileged user when root tests.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(
    free_port wait_for soon slurp spew json
    connect_to exchange http_get http_request curl usage
    children alive kill_all
);

use Cwd qw(getcwd);
use File::Glob qw(:bsd_glob);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep time);


our $Timeout = $ENV{WGW_TIMEOUT} || 20;

my $top = getcwd();
my $build = $ENV{WGW_BUILD} || 'build';
my $owner = $$;
my (%taken, @gateways);

# END is not run for a test that a signal ends, unless it exits itself
$SIG{$_} = sub { exit 1 } for qw(HUP INT TERM);


# ---- small helpers

# A port that is free on all of loopback, and this process's while it lives,
# whether anybody listens there or not: suites that run at the same time know by
# a socket of that name, which is in no file system and gone with its owner.

sub free_port {
    for (1 .. 1000) {
        my $port = 20000 + int rand 12000;
        next if $taken{$port};

        my $mine = IO::Socket::UNIX->new(Local => "\0wgw-test-port-$port",
                                         Listen => 1) or next;
        my $free = 1;

        for my $address ('0.0.0.0', '::') {
            my $v6 = $address eq '::';
            next if $v6 && !-e '/proc/net/if_inet6';

            $free &&= IO::Socket::IP->new(
                LocalHost => $address, LocalPort => $port, Listen => 1,
                ReuseAddr => 1, ($v6 ? (V6Only => 1) : ()),
                GetAddrInfoFlags => 0
            );
        }

        if ($free) {
            $taken{$port} = $mine;
            return $port;
        }
    }

    die "no free port";
}


# wait_for(CODE [, SECONDS]): the first true value of CODE, or its last

sub wait_for {
    my ($code, $seconds) = @_;

    my $end = time + ($seconds || $Timeout);
    my $value;

    until ($value = $code->()) {
        last if time > $end;
        sleep 0.02;
    }

    return $value;
}


# soon(START, SECONDS, NAME): a test that it took no longer.  A machine that is
# busy with other things shows by its clock only that nothing waits for ever;
# to the letter it is taken with WGW_TIMED=1, which a part of make full-test has.

sub soon {
    my ($start, $seconds, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $took = time - $start;
    my $most = $ENV{WGW_TIMED} || $seconds > $Timeout ? $seconds : $Timeout;

    Test::More::note(sprintf '%s: %.2f s', $name, $took);

    return Test::More::cmp_ok($took, '<', $most, $name);
}


sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or return '';
    local $/;

    return scalar <$file> // '';
}


sub spew {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
}


sub json {
    my ($text) = @_;

    my $value = eval { JSON::PP->new->utf8->decode($text) };
    Test::More::diag("not JSON: $text") if $@;

    return $value;
}


# ---- processes

# The processes whose parent is PID, and, after PID's end, their children are
# another's: ask before.

sub children {
    my ($pid) = @_;

    my @children;

    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($id, $state, $parent) = slurp($stat) =~ /^(\d+) \(.*\) (\S) (\d+)/s
            or next;

        push @children, $id if $parent == $pid && $state ne 'Z';
    }

    return @children;
}


sub alive {
    my ($pid) = @_;

    return slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) ([^ZX])/s;
}


# Signal 9 for these and all below them, at once as far as that goes: who has
# stopped has no more children, as a master has that has just been started.

sub kill_all {
    my (@pids) = @_;

    my @all;

    while (defined(my $pid = shift @pids)) {
        CORE::kill 'STOP', $pid;
        wait_for(sub {
            slurp("/proc/$pid/stat") !~ /^\d+ \(.*\) [^TtZX]/s;
        });

        push @all, $pid;
        push @pids, children($pid);
    }

    CORE::kill 'KILL', @all;

    for my $pid (@all) {
        waitpid $pid, 0;
        wait_for(sub { !alive($pid) });
    }
}


# ---- clients

# connect_to(PORT [, ADDRESS]): a socket, or undef

sub connect_to {
    my ($port, $address) = @_;

    return IO::Socket::IP->new(
        PeerHost => $address || '127.0.0.1', PeerPort => $port, Timeout => 30,
        GetAddrInfoFlags => 0           # also where loopback is all there is
    );
}


# exchange(PORT, BYTES, OPTIONS): sends BYTES and returns what comes until
# the end of the connection, or until `until => REGEX` matches, or, after
# `timeout => SECONDS`, what came by then.  `address`, `socket` (kept open).

sub exchange {
    my ($port, $bytes, %option) = @_;

    my $socket = $option{socket} || connect_to($port, $option{address})
        or return '';

    my $end = time + ($option{timeout} || $Timeout);
    my $select = IO::Select->new($socket);
    my $answer = '';

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $socket, $bytes;
        last if !$n;
        substr $bytes, 0, $n, '';
    }

    while (time < $end) {
        next if !$select->can_read(0.1);

        my $n = sysread $socket, $answer, 65536, length $answer;
        last if !$n;
        last if $option{until} && $answer =~ $option{until};
    }

    return $answer;
}


# http_request(PORT, TEXT, OPTIONS): one exchange, taken apart.  `sent` and
# `received` are the client's, in bytes on the connection.

sub http_request {
    my ($port, $text, %option) = @_;

    my $raw = exchange($port, $text, %option);
    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($line, @lines) = split /\r\n/, $head // '';
    my ($status) = ($line // '') =~ m{^HTTP/1\.[01] (\d{3})};
    my %headers;

    for (@lines) {
        my ($name, $value) = split /: */, $_, 2;
        $headers{lc $name} = $value;
    }

    return {
        status => $status // 0, headers => \%headers, body => $body // '',
        raw => $raw, sent => length $text, received => length $raw,
    };
}


# http_get(PORT, PATH, OPTIONS): `host`, `method`, `headers` (lines with
# their ends), `body`, and those of exchange()

sub http_get {
    my ($port, $path, %option) = @_;

    my $body = $option{body} // '';
    my $method = $option{method} || 'GET';
    my $host = $option{host} || 'localhost';

    my $text = "$method $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n"
             . ($option{headers} // '');

    if (length $body) {
        $text .= 'Content-Length: ' . length($body) . "\r\n";
    }

    return http_request($port, "$text\r\n$body", %option);
}


# curl(ARGUMENT ...): `exit`, `code`, `body`, `error`, and `sent` and
# `received` as curl counted them: headers and body

sub curl {
    my (@arguments) = @_;

    my $dir = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);

    my @command = (
        'curl', '-sS', '-q', '--max-time', 60, '-o', "$dir/body",
        '--stderr', "$dir/error", '-w', '%{http_code} %{size_header}'
        . ' %{size_download} %{size_request} %{size_upload}', @arguments
    );

    open my $pipe, '-|', @command or die "curl: $!";
    my ($code, $header, $download, $request, $upload) = split ' ',
        scalar <$pipe> // '0 0 0 0 0';
    close $pipe;

    return {
        exit => $? >> 8, code => $code,
        body => slurp("$dir/body"), error => slurp("$dir/error"),
        download => $download,
        received => $header + $download,
        sent => $request + (curl_counts_all() ? 0 : $upload),
    };
}


# From 8.7 on the size of a request is with its body.

sub curl_counts_all {
    my ($major, $minor) = `curl --version` =~ /^curl (\d+)\.(\d+)/;

    return $major > 8 || ($major == 8 && $minor >= 7);
}


# usage(PORT, KEY): what /v1/usage says of a key, or undef

sub usage {
    my ($port, $key) = @_;

    my $reply = http_get($port, "/v1/usage/$key");

    return if $reply->{status} != 200;

    my $usage = json(dechunk($reply));

    return $usage && $usage->{keys} ? $usage->{keys}[0] : $usage;
}


sub dechunk {
    my ($reply) = @_;

    my $body = $reply->{body};

    return $body if ($reply->{headers}{'transfer-encoding'} // '')
                    ne 'chunked';

    my $whole = '';

    while ($body =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n//) {
        $whole .= substr $body, 0, hex $1, '';
        $body =~ s/^\r\n//;
    }

    return $whole;
}


# ---- a gateway

sub new {
    my ($class, $conf, %option) = @_;

    my $self = bless {
        dir => tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp'),
        binary => $ENV{TEST_NGINX_BINARY} || "$top/$build/bin/nginx",
        modules => $option{modules},
        ports => { }, expected => [ ], seen => 0,
    }, $class;

    chmod 0755, $self->{dir};
    mkdir "$self->{dir}/logs";

    $self->{modules} ||= [ sort glob "$top/$build/modules/*.so" ];
    $self->configure($conf);

    push @gateways, $self;

    return $self;
}


# Replaces the configuration; reload() or start() then uses it.

sub configure {
    my ($self, $conf) = @_;

    $conf =~ s/%%(\w+)%%/$self->port($1)/ge;
    $self->{conf} = $conf;
    $conf = old_http2($conf) if $self->version() lt '1.025001';
    $conf = own_paths($conf) if $self->packaged();

    my $head = join '', map { qq{load_module "$_";\n} } @{$self->{modules}};

    if ($> == 0 && $conf !~ /^\s*user\s/m) {
        $head .= defined getpwnam 'www-data' ? "user www-data;\n"
                                             : "user nobody nogroup;\n";
    }

    if ($conf !~ /^\s*error_log\s/m) {
        $head .= "error_log logs/error.log info;\n";
    }

    spew("$self->{dir}/nginx.conf", $head . $conf);
}


# What configure() was given, with ports in it.

sub conf { return $_[0]{conf} }


# "1.026003", to be compared as text

sub version {
    my ($self) = @_;

    my $line = `exec "$self->{binary}" -v 2>&1`;

    return $line =~ m{nginx/(\d+)\.(\d+)\.(\d+)}
           ? sprintf '%d.%03d%03d', $1, $2, $3 : '';
}


# Whether it is a distribution's, whose paths are those of the system.

sub packaged {
    my ($self) = @_;

    return `exec "$self->{binary}" -V 2>&1` =~ / --pid-path=\//;
}


# With paths below the prefix, as our own builds have them.

sub own_paths {
    my ($conf) = @_;

    my $paths = join ' ', map { "${_}_temp_path ${_}_temp;" }
        grep { $conf !~ /\b${_}_temp_path\s/ }
        qw(client_body proxy fastcgi scgi uwsgi);

    $paths .= ' access_log logs/access.log;' if $conf !~ /^    access_log/m;
    $conf =~ s/^([^#\n]*\bhttp\s*\{)/$1 $paths/m;

    return $conf;
}


# "http2 on" for nginx before 1.25.1, where it is a parameter of listen: on
# the ports with ssl, or, where there are none, on all.

sub old_http2 {
    my ($conf) = @_;

    $conf =~ s{(server \s* \{ [^{}]*?) \bhttp2 \s+ on;}{
        my $server = $1;
        $server =~ s/(listen [^;]* ssl)/$1 http2/g
            or $server =~ s/(listen [^;]*)/$1 http2/g;
        $server;
    }gex;

    return $conf;
}


sub port {
    my ($self, $name) = @_;

    return $self->{ports}{$name} ||= free_port();
}


sub dir { return $_[0]{dir} }
sub pid { return $_[0]{pid} }
sub log { return slurp("$_[0]{dir}/logs/error.log") }
sub workers { return $_[0]{pid} ? children($_[0]{pid}) : () }


# Seconds of the processor that its workers have had: what a busy machine does
# not change, as it does what a clock shows.

sub cpu {
    my ($self) = @_;

    my $ticks = 0;

    for my $pid ($self->workers()) {
        my @stat = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr;
        $ticks += $stat[11] + $stat[12];
    }

    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# run(ARGUMENT ...): nginx with this configuration and, say, -t.  Returns
# its status and what it printed.

sub run {
    my ($self, @arguments) = @_;

    my $pid = open my $pipe, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        $self->exec_nginx(@arguments);
    }

    my $output = do { local $/; <$pipe> } // '';
    close $pipe;

    return ($?, $output);
}


sub exec_nginx {
    my ($self, @arguments) = @_;

    chdir $self->{dir} or POSIX::_exit(127);

    if ($self->packaged() && slurp("$self->{dir}/nginx.conf") !~ /^\s*pid\s/m)
    {
        my $g = join ' ', grep { /;/ } @arguments;

        @arguments = grep { $_ ne '-g' && !/;/ } @arguments;
        push @arguments, '-g', $g =~ /\bpid\b/ ? $g : "$g pid logs/nginx.pid;";
    }

    # a distribution's says what comes before its error_log to stderr
    exec { $self->{binary} } $self->{binary}, '-p', './', '-c', 'nginx.conf',
        '-e', 'logs/error.log', @arguments or POSIX::_exit(127);
}


# Returns when it serves; its death before that ends the test.  `daemon`: as
# a daemon, which takes USR2: one whose parent lives does not.

sub start {
    my ($self, %option) = @_;

    my $pidfile = "$self->{dir}/logs/nginx.pid";
    unlink $pidfile;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/logs/output";
        open STDERR, '>&', \*STDOUT;
        $self->exec_nginx('-g', $option{daemon} ? 'daemon on;'
                                                : 'daemon off;');
    }

    my $left;

    my $up = wait_for(sub {
        if (!$left && waitpid($pid, WNOHANG) == $pid) {
            return -1 if $? || !$option{daemon};
            $left = 1;
        }

        # who is to be a daemon has written it when it is one, or shortly after
        return 0 if $option{daemon} && !$left || !-s $pidfile;

        ($pid) = slurp($pidfile) =~ /(\d+)/ if $left;

        return children($pid);
    });

    if (!$up || $up < 0) {
        kill_all($pid) if !$up;
        Test::More::diag(slurp("$self->{dir}/logs/output"), $self->log());
        die "the gateway does not start";
    }

    $self->{pid} = $pid;

    return $self;
}


# Returns when new workers serve and, unless `old => 'stay'`, the old ones
# are gone.

sub reload {
    my ($self, %option) = @_;

    my %old = map { $_ => 1 } $self->workers();

    CORE::kill 'HUP', $self->{pid};

    my $new = wait_for(sub { grep { !$old{$_} } $self->workers() });

    if ($new && ($option{old} || '') ne 'stay') {
        $new = wait_for(sub { !grep { $old{$_} } $self->workers() });
    }

    Test::More::ok(0, 'reload') if !$new;

    return $new;
}


# Ends it by a signal, TERM or another, and tests that it does end and that
# it logged nothing bad.

sub stop {
    my ($self, $signal) = @_;

    my $pid = delete $self->{pid} or return;
    my @workers = children($pid);

    CORE::kill $signal || 'TERM', $pid;

    my $ended = wait_for(sub {
        return waitpid($pid, WNOHANG) == $pid || !alive($pid);
    });

    kill_all($pid) if !$ended;

    Test::More::ok($ended, 'the gateway stops');
    Test::More::is(scalar(grep { alive($_) } @workers), 0,
                   'and its workers do');

    return $self->check_log();
}


sub kill {
    my ($self) = @_;

    kill_all(delete $self->{pid}) if $self->{pid};
}


# expect(REGEX): a line of the log that would be bad, but not in this test

sub expect {
    my ($self, $regex) = @_;

    push @{$self->{expected}}, $regex;
}


# A test: nothing bad was logged since the last one.

sub check_log {
    my ($self) = @_;

    my @bad;
    my $text = $self->log() . slurp("$self->{dir}/logs/output");

    for my $line (split /\n/, $text) {
        next if $line !~ /\[alert\]|\[emerg\]|Sanitizer|runtime error:/;
        next if grep { $line =~ $_ } @{$self->{expected}};

        # nginx waits for two seconds for who ends, memcheck looks for leaks
        next if $build =~ /valgrind/ && $line =~ /exited on signal 9/;

        push @bad, $line;
    }

    splice @bad, 0, $self->{seen};
    $self->{seen} += @bad;

    return Test::More::is(join("\n", @bad), '', 'no alerts in the log');
}


# A test that ends early leaves nothing behind, and does not pass.

END {
    my $status = $?;

    # a child that a test forked leaves the gateways alone
    for my $gateway ($$ == $owner ? @gateways : ()) {
        if ($gateway->{pid}) {
            $gateway->kill();
            $status ||= 1;
        }

        if (!$ENV{WGW_TEST_LEAVE}) {
            system 'rm', '-rf', $gateway->{dir};
        }
    }

    $? = $status;
}


1;
