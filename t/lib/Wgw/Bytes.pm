package Wgw::Bytes;

# For tests that compare what was counted with what a client's socket read
# and wrote: clients that count, and a peer to be proxied to.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(
    meter_modules certificate get request upgrade dial talk write_all
    read_some drain settled special peer sunk
);

use IO::Select;
use IO::Socket::IP;
use IO::Socket::SSL;
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_RCVBUF TCP_NODELAY);
use Time::HiRes qw(sleep time);

use Wgw;


our $Still = 0.2;

my (@children, $sunk);


# Arguments for Wgw->new(): WGW_MODULES, a pattern, is for builds elsewhere.

sub meter_modules {
    return $ENV{WGW_MODULES} ? (modules => [ glob $ENV{WGW_MODULES} ]) : ();
}


# cert.pem and key.pem, in DIR

sub certificate {
    my ($dir) = @_;

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
           . " -nodes -days 30 -subj /CN=localhost -keyout $dir/key.pem"
           . " -out $dir/cert.pem 2>/dev/null") == 0 or die 'openssl';
}


# ---- requests

# get(PATH, OPTIONS): what request() makes text of: `method`, `version`,
# `cap`, `query`, `close`, `headers` (lines with their ends), `body`

sub get {
    my ($path, %option) = @_;

    return { path => $path, method => 'GET', version => '1.1', %option };
}


sub request {
    my ($key, $r) = @_;

    my $query = "?k=$key" . ($r->{cap} ? "&cap=$r->{cap}" : '')
                . ($r->{query} ? "&q=$r->{query}" : '');

    return "$r->{method} $r->{path}$query HTTP/$r->{version}\r\n"
           . "Host: localhost\r\n"
           . ($r->{close} ? "Connection: close\r\n" : '')
           . ($r->{headers} // '') . "\r\n" . ($r->{body} // '');
}


sub upgrade {
    my ($uri) = @_;

    return "GET $uri HTTP/1.1\r\nHost: localhost\r\n"
           . "Connection: Upgrade\r\nUpgrade: test\r\n\r\n";
}


# ---- clients

# dial(PORT, OPTIONS): a socket; `tls`; `slow`, with a tiny receive buffer

sub dial {
    my ($port, %option) = @_;

    my $socket = IO::Socket::IP->new(
        PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 10,
        ($option{slow} ? (Sockopts => [ [ SOL_SOCKET, SO_RCVBUF, 4096 ] ])
                       : ()),
    ) or die "connect: $!";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

    return $socket if !$option{tls};

    return IO::Socket::SSL->start_SSL($socket,
        SSL_verify_mode => SSL_VERIFY_NONE, SSL_hostname => 'localhost')
        || die "TLS: $IO::Socket::SSL::SSL_ERROR";
}


sub write_all {
    my ($socket, $text) = @_;

    local $SIG{PIPE} = 'IGNORE';

    for (my $sent = 0; $sent < length $text; ) {
        my $n = syswrite $socket, $text, 16384, $sent;
        last if !$n;
        $sent += $n;
    }
}


# The first BYTES bytes that come, or all until the end.

sub read_some {
    my ($socket, $bytes) = @_;

    my $answer = '';

    while (length $answer < $bytes) {
        last if !sysread $socket, $answer, 65536, length $answer;
    }

    return $answer;
}


sub drain {
    my ($socket) = @_;

    return read_some($socket, 1e12);
}


# talk(PORT, TEXT, OPTIONS): writes and reads at the same time, until the
# other side ends it or the peer says that it is done.  Returns the bytes that
# came, how many came and went, its own port, and how long it took.  `piece`: writes no more at a time; `shut`:
# ends its own side; `then`: what to write after TEXT is answered.

sub talk {
    my ($port, $text, %option) = @_;

    my $socket = dial($port, %option);
    my $start = time;
    my $local = $socket->sockport();
    my ($bytes, $sent) = ('', 0);
    my $end = time + 60;
    my $size = $option{slow} ? 4096 : 65536;
    my $set = IO::Select->new($socket);

    local $SIG{PIPE} = 'IGNORE';
    $socket->blocking(0);

    while (time < $end) {
        my $more = $sent < length $text;
        my $ready = $option{tls} && $socket->pending();

        if (!$ready) {
            my ($r, $w) = IO::Select->select($set, $more ? $set : undef,
                                             undef, 0.2);
            $ready = $r && @$r;
            $more = $w && @$w;
        }

        if ($more) {
            my $n = syswrite $socket, $text, $option{piece} || 16384, $sent;
            $sent += $n if $n;

            # a peer that reads no more may still have something to say
            $text = substr $text, 0, $sent if !$n && !again($option{tls});

            sleep 0.002 if $option{piece};
            shutdown $socket, 1 if $option{shut} && $sent == length $text;
        }

        if ($ready) {
            my $n = sysread $socket, $bytes, $size, length $bytes;
            last if defined $n ? $n == 0 : !again($option{tls});
        }

        last if $bytes =~ /\.\.done\z/;
    }

    close $socket;

    return { bytes => $bytes, received => length $bytes, sent => $sent,
             port => $local, late => time >= $end, took => time - $start };
}


sub again {
    my ($tls) = @_;

    return 1 if $!{EAGAIN} || $!{EWOULDBLOCK};
    return $tls && ($IO::Socket::SSL::SSL_ERROR == SSL_WANT_READ
                    || $IO::Socket::SSL::SSL_ERROR == SSL_WANT_WRITE);
}


# ---- figures

# What is counted for a key once it has stayed the same for $Still seconds,
# and has at least so many requests.  The name of a class, `unknown`, for no key.

sub settled {
    my ($port, $key, $requests, $class) = @_;

    my ($last, $since, $usage) = ('', time);

    wait_for(sub {
        $usage = $class ? special($port, $class) : usage($port, $key);

        my $now = join ' ', map { $usage->{$_} // -1 }
                            qw(sent received requests refused cut);

        if ($now ne $last || ($usage->{requests} // -1) < ($requests || 0)) {
            ($last, $since) = ($now, time);
        }

        return 1 if time - $since > $Still;

        sleep 0.03;
        return 0;
    }, 10);

    return $usage || { };
}


sub special {
    my ($port, $class) = @_;

    my $reply = http_get($port, '/v1/usage?limit=1');

    return json($reply->{body})->{zones}[0]{$class};
}


# ---- a peer

# peer(PORT, DIR): answers an upgrade, if one comes, and does what it is then
# told: to send bytes (`source N`), to take bytes (`sink N`), and, at `end`,
# to say that it is done.  `keep`: to be silent then.

sub peer {
    my ($port, $dir) = @_;

    $sunk = "$dir/sunk";

    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $port, Listen => 100,
        ReuseAddr => 1
    ) or die "peer: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @children, $pid;
        return;
    }

    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = 'IGNORE';

    while (1) {
        my $socket = $listen->accept() or next;
        next if fork;

        serve($socket);
        POSIX::_exit(0);
    }
}


sub serve {
    my ($socket) = @_;

    my $buf = '';

    while ($buf !~ /(?:end|keep) /) {
        return if !sysread $socket, $buf, 65536, length $buf;

        if ($buf =~ s/^GET .*?\r\n\r\n//s) {
            syswrite $socket, "HTTP/1.1 101 Switching Protocols\r\n"
                . "Connection: upgrade\r\nUpgrade: test\r\n\r\n";
        }
    }

    my $source = $buf =~ /source (\d+)/ ? $1 : 0;
    my $sink = $buf =~ /sink (\d+)/ ? $1 : 0;
    my $end = $buf =~ /end /;

    $buf =~ s/^.*?(?:end|keep) //s;

    my $taken = length $buf;
    my $bytes = 's' x 65536;

    while ($source > 0) {
        my $n = syswrite $socket, $bytes, $source < 65536 ? $source : 65536;
        last if !$n;
        $source -= $n;
    }

    while ($taken < $sink) {
        my $n = sysread $socket, $bytes, 65536;
        last if !$n;
        $taken += $n;
    }

    if ($sink) {
        spew("$sunk.$$", $taken);
        rename "$sunk.$$", $sunk;
    }

    syswrite $socket, '..done' if $end && !$source && $taken >= $sink;

    while (sysread $socket, $bytes, 65536) { }
}


# What a peer took, without the words it was told.

sub sunk {
    wait_for(sub { -s $sunk });

    my $bytes = slurp($sunk);
    unlink $sunk;

    return $bytes;
}


END {
    my $status = $?;
    CORE::kill 'TERM', @children if @children;
    waitpid $_, 0 for @children;
    $? = $status;
}


1;
