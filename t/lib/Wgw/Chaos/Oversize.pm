package Wgw::Chaos::Oversize;

# Everything in a size that is none: lines, headers, names, keys, bodies,
# tokens, JSON.  Each is refused, as what it is, or the connection is ended;
# none is taken for good, and none costs a worker.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Digest::SHA qw(sha256_hex);
use IO::Select;
use Time::HiRes qw(sleep time);

use Wgw::Bytes qw(dial);

# of one exchange, at most
my $most = 6_000_000;


# what there is of other actors: names, claims, sign-ins
sub needs { return qw(names claims signin) }


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%OVERSIZE%%;
        root html;
        client_max_body_size 1m;
        wgw_meter names oversize;
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /key { wgw_meter names $http_x_key; return 200 "ok"; }
    }

    server {
        listen 127.0.0.1:%%OVERSIZE2%%;
        http2 on;
        root html;
        wgw_meter names oversize;
    }
EOF


my $get = "GET /file HTTP/1.1\r\nHost: a\r\n";
my $gone = qr/^HTTP\/1.1 4\d\d/;


sub request {
    my ($line, $headers, $body, $said) = @_;

    return "$line HTTP/1.1\r\nHost: localhost\r\n"
           . 'Content-Length: ' . ($said // length $body) . "\r\n"
           . "$headers\r\n$body";
}


sub json_of { return "Content-Type: application/json\r\n" }

sub record { return qq({"backends":["http://127.0.0.1:9"],$_[0]}) }


# what, where, its bytes, and what the answer may be

my @cases = (
    [ 'line', 'OVERSIZE', sub { 'GET /' . 'a' x 40_000 . " HTTP/1.1\r\n\r\n" } ],
    [ 'header', 'OVERSIZE', sub { $get . 'X: ' . 'x' x 40_000 . "\r\n\r\n" } ],
    [ 'headers', 'OVERSIZE', sub {
        $get . join('', map { "X-$_: " . 'x' x 100 . "\r\n" } 1 .. 1000)
        . "\r\n" } ],
    [ 'body that is said', 'OVERSIZE', sub {
        request('POST /post', '', 'x', 99999999999) } ],
    [ 'length', 'OVERSIZE', sub {
        request('POST /post', '', 'x', '9' x 400) } ],
    [ 'body in chunks', 'OVERSIZE', sub {
        "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        . ("10000\r\n" . 'x' x 65536 . "\r\n") x 40 . "0\r\n\r\n" } ],
    [ 'chunk', 'OVERSIZE', sub {
        "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        . 'f' x 40 . "\r\n" } ],

    # a key of any length has a row, which is that of its hash
    [ 'key', 'OVERSIZE', sub {
        my $key = join '', map { chr 97 + rand 26 } 1 .. 7000 + rand 100;

        return ("GET /key HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                . "X-Key: $key\r\n\r\n", 'sha256:' . sha256_hex($key)) },
      qr/^HTTP\/1.1 200/ ],

    [ 'host', 'NAMES', sub {
        'GET / HTTP/1.1' . "\r\nHost: " . 'a' x 8000
        . ".gw.example\r\nConnection: close\r\n\r\n" } ],
    [ 'label', 'NAMES', sub {
        'GET / HTTP/1.1' . "\r\nHost: " . 'a' x 64
        . ".gw.example\r\nConnection: close\r\n\r\n" } ],

    [ 'name', 'ADMIN', sub {
        request('PUT /v1/names/' . 'a.' x 130 . 'gw.example', json_of(),
                record('"owner":"o"')) } ],
    [ 'name in escapes', 'ADMIN', sub {
        request('PUT /v1/names/' . '%61' x 2000, json_of(),
                record('"owner":"o"')) } ],
    [ 'owner', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(),
                record('"owner":"' . 'o' x 5000 . '"')) } ],
    [ 'cap', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(),
                record('"cap_bytes":' . '9' x 400)) } ],
    [ 'backends', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(), '{"backends":['
                . join(',', map { qq("http://127.0.0.1:$_") } 1 .. 2000)
                . ']}') } ],
    [ 'member', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(),
                record('"' . 'm' x 50_000 . '":1')) } ],
    [ 'depth', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(), '[' x 200_000) } ],
    [ 'depth of a patch', 'ADMIN', sub {
        request('PATCH /v1/names/big', "Content-Type: application/"
                . "merge-patch+json\r\n", '{"a":' x 20_000 . '1'
                . '}' x 20_000) } ],
    [ 'record', 'ADMIN', sub {
        request('PUT /v1/names/big', json_of(),
                record('"owner":"' . ' ' x 2_000_000 . '"')) } ],
    [ 'line of many', 'ADMIN', sub {
        request('POST /v1/names', "Content-Type: application/x-ndjson\r\n",
                '{"name":"' . 'n' x 1_000_000 . '"}' . "\n") } ],
    [ 'query', 'ADMIN', sub {
        "GET /v1/names?after=" . 'a' x 4000 . " HTTP/1.1\r\nHost: localhost"
        . "\r\nConnection: close\r\n\r\n" } ],
    [ 'number', 'ADMIN', sub {
        "GET /v1/names?limit=" . '9' x 400 . " HTTP/1.1\r\nHost: localhost"
        . "\r\nConnection: close\r\n\r\n" } ],

    [ 'claims', 'ADMIN', sub {
        request('POST /v1/claims', '', 'B' x 400_000) } ],
    [ 'depth of claims', 'ADMIN', sub {
        request('POST /v1/claims', "Content-Type: application/cbor\r\n",
                "\x81" x 60_000) } ],
    [ 'length in claims', 'ADMIN', sub {
        request('POST /v1/claims', "Content-Type: application/cbor\r\n",
                "\x9b" . "\xff" x 8) } ],
    # what is no CID is not limited
    [ 'cid', 'CONTENT', sub {
        'GET /ipfs/b' . 'a' x 4000 . " HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\n\r\n" }, qr/^HTTP\/1.1 200/ ],

    [ 'sign-in', 'SIGNIN', sub {
        request('POST /auth', json_of(), '{"msg":"' . 'm' x 500_000
                . '","sig":"0x' . '0' x 130 . '"}') } ],
    [ 'signature', 'SIGNIN', sub {
        request('POST /auth', json_of(), '{"msg":"m","sig":"0x'
                . '0' x 4000 . '"}') } ],
    [ 'api key', 'SIGNIN', sub {
        "GET /eth HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n"
        . 'X-Api-Key: ' . 'k' x 7000 . "\r\n\r\n" } ],
    [ 'call', 'SIGNIN', sub {
        request('POST /eth', 'X-Api-Key: ' . 'e.' x 300 . "\r\n",
                '[' x 100_000) } ],

    [ 'frame', 'OVERSIZE2', sub {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\xff\xff\xff\0\0\0\0\0\1" },
      qr/./s ],
    [ 'settings', 'OVERSIZE2', sub {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . ("\0\x3f\xfc\4\0\0\0\0\0" . "\0\5\0\0\x40\0" x 2730) x 20 },
      qr/./s ],
    [ 'header block', 'OVERSIZE2', sub {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
        . "\0\x40\0\1\0\0\0\0\1" . "\x40\1a\x7f\xff\x7e" . 'a' x 16378
        . ("\0\x40\0\x09\0\0\0\0\1" . 'a' x 16384) x 8 }, qr/./s ],
);


sub does { return map { $_->[0] } @cases }

sub clients { my ($self) = @_; return (oversize => sub { $self->send(@_) }) }


# All of them in turn.

sub send {
    my ($self, $state) = @_;

    my $at = $state->{keep}{at}++;
    my ($name, $port, $bytes, $may) = @{$cases[$at % @cases]};
    my $answer = $self->talk($port, $bytes->());

    $self->did($name);
    sleep rand 0.2;

    # what takes no more may be gone before it has said why
    $self->run->ledger->wrong("oversize, $name: " . substr $answer, 0, 200)
        if length $answer && $answer !~ ($may // $gone)
           && $answer !~ /^HTTP\/1.1 503/;
}


# What comes until the end, or within some seconds.

sub talk {
    my ($self, $port, $bytes, $key) = @_;

    my $socket = dial($self->run->port($port));
    my $start = time;
    my $sent = length $bytes;
    my $answer = '';
    my $ended;

    $socket->timeout(5);
    $socket->blocking(0);

    for (my $end = time + 5; time < $end && !$ended; ) {
        my ($r, $w) = IO::Select->select(
            IO::Select->new($socket),
            length $bytes ? IO::Select->new($socket) : undef, undef, 0.2);

        if ($r && @$r) {
            my $n = sysread $socket, $answer, 65536, length $answer;

            $ended = !$n;
            last if length $answer > 1_000_000
                    || $answer =~ /^HTTP\/1.1 [45].*?\r\n\r\n./s;
        }

        if ($w && @$w && !$ended) {
            my $n = syswrite $socket, $bytes, 65536;

            $ended = !defined $n;
            substr $bytes, 0, $n // 0, '';
        }
    }

    close $socket;
    $self->run->ledger->add('names ' . ($key // 'oversize'), $start, $most, {
        ok => $key && $ended && length $answer, sent => $sent,
        received => length $answer,
    });

    return $answer;
}


sub allowed {
    return qr/ \[warn\] .* a key of \d+ bytes is counted by its hash/,
        qr/ \[error\] .* client intended to send too large /,
        qr/ \[error\] .* client sent invalid /;
}


1;
