#!/usr/bin/perl

# Sign-in and keys, by requests of our own making; keys, signatures and
# tokens are those of real libraries.  Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use MIME::Base64 qw(encode_base64url decode_base64url);
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


my $secret = 'a secret of more than sixteen bytes';

my ($listed, $second, $lower, $stranger) = map { node('wallet') } 1 .. 4;

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone file=tokens keys=20000;

events { worker_connections 1024; }

http {
    access_log logs/access.log;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Wallet \$wgw_auth_address;

    wgw_auth_secret secret;
    wgw_auth_allow $listed->{address};
    wgw_auth_allow $second->{address} eth;
    wgw_auth_allow @{[ lc $lower->{address} ]};
    wgw_auth_rate off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location = /auth { wgw_auth_signin eth base; }
        location = /all { wgw_auth_signin; }
        location = /expiration { wgw_auth_signin; wgw_auth_expiration on; }
        location = /lenient { wgw_auth_signin; wgw_auth_lenient on; }
        location = /chains { wgw_auth_signin; wgw_auth_chain any; }
        location = /skew { wgw_auth_signin; wgw_auth_skew 2h; }
        location = /day { wgw_auth_signin; wgw_auth_max_age 86400s; }
        location = /uris { wgw_auth_signin; wgw_auth_uri any; }
        location = /limited { wgw_auth_signin; wgw_auth_rate 3r/m; }
        location = /usual { wgw_auth_signin; wgw_auth_rate 600r/m; }

        location /eth {
            wgw_auth eth;
            client_max_body_size 100m;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /base {
            wgw_auth base;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /any { wgw_auth; proxy_pass http://127.0.0.1:%%BACK%%; }

        location /bare {
            wgw_auth eth;
            wgw_auth_bare on;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /pass {
            wgw_auth eth;
            wgw_auth_pass_key on;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /socket {
            wgw_auth eth;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location / { wgw_auth; proxy_pass http://127.0.0.1:%%BACK%%; }
        location = /health { wgw_auth off; return 200 "well"; }
    }
}
EOF

spew($gw->dir() . '/secret', $secret);
chmod 0600, $gw->dir() . '/secret';

node('backend', port => $gw->port('BACK'));
$gw->start();

my $url = "http://$Wgw::Auth::Name:" . $gw->port('HTTP');


# ---- what signs in

my $reply = signin($gw, $listed, '/auth');
accepted($reply, 'P01: the layout of routers');
is_deeply([ sort keys %{$reply->{json}} ], [ 'exp', 'headers' ],
          'P01: nothing but headers and exp');
is_deeply([ keys %{$reply->{json}{headers}} ], [ 'x-api-key' ],
          'P01: one header');
is($reply->{headers}{'content-type'}, 'application/json', 'P01: JSON');
is($reply->{headers}{'cache-control'}, 'no-store', 'P01: not to be kept');

my $key = key_of($reply);
my $claims = node('verify', token => $key, secret => $secret);

is_deeply($claims->{header}, { alg => 'HS256', typ => 'JWT' },
          'P01: jose verifies it');
is($claims->{payload}{sub}, $listed->{address}, 'P01: for the address');
is_deeply($claims->{payload}{aud}, [ 'eth', 'base' ], 'P01: the services');
is($claims->{payload}{exp}, $reply->{json}{exp}, 'P01: until then');
cmp_ok(abs($reply->{json}{exp} - time - 3600), '<', 5, 'P01: for an hour');

sub good {
    my ($name, $path, %field) = @_;

    accepted(signin($gw, $listed, $path, %field), $name);
}

sub bad {
    my ($name, $status, $path, %field) = @_;

    refused(signin($gw, $listed, $path, %field), $status, $name);
}

my $now = time;
(my $milliseconds = stamp($now)) =~ s/Z$/.123Z/;
(my $later = stamp($now + 60)) =~ s/Z$/.999Z/;

good('P02: milliseconds', '/auth', issued => $milliseconds,
     expires => $later);
good('P03: a statement', '/auth',
     statement => 'I\'d accept: this & (that) + more;?');
good('P03: resources and a request id', '/auth',
     more => [ 'Request ID: some-1', 'Resources:', '- https://a.example/x',
               '- ipfs://bafy/x' ]);

(my $offset = stamp($now + 7200)) =~ s/Z$/+02:00/;
(my $end = stamp($now + 7260)) =~ s/Z$/+02:00/;
good('P04: offsets', '/auth', issued => $offset, expires => $end);

(my $looks = stamp($now + 3600)) =~ s/Z$/+02:00/;
(my $was = stamp($now + 3000)) =~ s/Z$/+02:00/;
bad('P05: expired, but for the offset', 401, '/auth', issued => $was,
    expires => $looks);

# signed(WALLET, PATH, FIELDS): the text and its signature

sub signed {
    my ($wallet, $path, %field) = @_;

    my $text = message($gw, $wallet->{address}, $path, %field);

    return ($text, node('sign', by => 'viem', key => $wallet->{key},
                        text => $text));
}

sub send_it { return post($gw, $_[2] || '/auth', body_of($_[0], $_[1])) }

my ($text, $sig) = signed($listed, '/auth');
(my $zero = $sig) =~ s/(1b|1c)$/$1 eq '1b' ? '00' : '01'/e;
accepted(send_it($text, $zero), 'P06: v of 0 or 1');

($text, $sig) = signed($listed, '/auth');
accepted(send_it($text, '0x' . uc substr $sig, 2), 'P06: capital digits');

($text, $sig) = signed($listed, '/auth');
my $escaped = join '', map { sprintf '\u%04x', ord } split //, $text;
accepted(post($gw, '/auth', qq({"msg":"$escaped","sig":"$sig"})),
         'P07: each character escaped');

($text, $sig) = signed($listed, '/uris',
                       uri => "$url/other?a=1&b=<2>");
unlike(body_of($text, $sig), qr/&/, 'P08: as Go writes it');
refused(send_it($text, $sig, '/uris'), '400|401', 'P08: < is in no URI');
($text, $sig) = signed($listed, '/uris', uri => "$url/other?a=1&b=2");
accepted(send_it($text, $sig, '/uris'), 'P08: an escaped ampersand');

($text, $sig) = signed($listed, '/auth');
my ($m, $s) = map { encoded($_) } $text, $sig;
accepted(post($gw, '/auth', qq( {"a":[1,{"msg":2}],\n"sig" : $s,\t"msg":$m,)
                            . qq("x":null}\r\n)),
         'P09: other members, order and blanks');

for my $type ('application/json', '', 'text/plain', 'x/y; charset=a') {
    ($text, $sig) = signed($listed, '/auth');
    my $raw = body_of($text, $sig);
    my $answer = http_get($gw->port('HTTP'), '/auth', host => 'gw.test',
                          method => 'POST', body => $raw,
                          headers => $type ? "Content-Type: $type\r\n" : '');
    is($answer->{status}, 200, "P10: Content-Type '$type'");
}

# parts(PART ...): the request in packets, 300 ms between them

sub parts {
    my (@parts) = @_;

    my $socket = connect_to($gw->port('HTTP'));

    for my $part (@parts[0 .. $#parts - 1]) {
        syswrite $socket, $part;
        sleep 0.3;
    }

    return http_request($gw->port('HTTP'), $parts[-1], socket => $socket);
}

my $head = "POST /auth HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n";
my $body = body_of(signed($listed, '/auth'));

is(parts("${head}Content-Length: " . length($body) . "\r\n\r\n"
         . substr($body, 0, 100), substr $body, 100)->{status}, 200,
   'P11: two packets');

$body = body_of(signed($listed, '/auth'));
is(parts("${head}Transfer-Encoding: chunked\r\n\r\n", map {
        sprintf "%x\r\n%s\r\n", length, $_
    } substr($body, 0, 50), substr($body, 50), '')->{status}, 200,
   'P11: chunks');

$now = time;
good('P12: a clock 20 s ahead', '/auth', issued => stamp($now + 20),
     expires => stamp($now + 80));

$body = body_of(signed($listed, '/auth'));
accepted(post($gw, '/auth?a=1&b', $body), 'P13: a query');


# ---- what does not

refused(signin($gw, $stranger, '/auth'), 401, 'P14: not on the list',
        like => qr/may not sign in/);

$text = message($gw, $listed->{address}, '/auth');
$sig = node('sign', by => 'ethers', key => $stranger->{key}, text => $text);
refused(send_it($text, $sig), 401, 'P15: signed by another');

($text, $sig) = signed($listed, '/auth');
(my $changed = $text) =~ s/Nonce: ./Nonce: 0/;
refused(send_it($changed, $sig), 401, 'P16: another nonce');
($changed = $text) =~ s/(Expiration Time: )(.*)/$1 . stamp(time + 90)/e;
refused(send_it($changed, $sig), 401, 'P16: another expiration');

my $flipped = $sig;
substr($flipped, 10, 1) =~ tr/0-9a-f/1032547698badcfe/;
refused(send_it($text, $flipped), '400|401', 'P17: a bit of r');
($flipped = $sig) =~ s/(1b|1c)$/$1 eq '1b' ? '1c' : '1b'/e;
refused(send_it($text, $flipped), '400|401', 'P17: the other v');

for my $prefix ('', "\x19Ethereum Signed Message:\n" . (length($text) - 1),
                "\x19Ethereum Signed Message:\n0" . length $text)
{
    $sig = node('signHash', key => $listed->{key}, prefix => $prefix,
                text => $text);
    refused(send_it($text, $sig), 401, 'P17: another prefix');
}

$now = time;
bad('P18: expired', 401, '/auth', issued => stamp($now - 660),
    expires => stamp($now - 600));
bad('P19: not yet', 401, '/auth', not_before => stamp($now + 3600));
bad('P20: of the future', 401, '/auth', issued => stamp($now + 3600),
    expires => stamp($now + 3660));
good('P20: where clocks may be that wrong', '/skew',
     issued => stamp($now + 3600), expires => stamp($now + 3660));
bad('P21: no end where one must be', 401, '/expiration', expires => undef);
good('P21: no end', '/auth', expires => undef);
bad('P21: no end, too old', 401, '/auth', expires => undef,
    issued => stamp($now - 3700));
bad('P22: ten years', 401, '/auth', expires => stamp($now + 315360000));
bad('P22: two hours', 401, '/auth', expires => stamp($now + 7200));
good('P22: within wgw_auth_max_age', '/day', expires => stamp($now + 7200));

bad('P23: another domain', 401, '/auth', domain => 'evil.example');
bad('P24: another provider', 401, '/auth', domain => 'other.example',
    uri => 'https://other.example/auth');
bad('P24: its URI only', 401, '/auth', uri => 'https://other.example/auth');
bad('P24: another path', 401, '/auth', uri => "$url/other");

($text, $sig) = signed($listed, '/auth', domain => 'other.example',
                       uri => 'http://other.example/auth');
refused(post($gw, '/auth', body_of($text, $sig), host => 'other.example'),
        401, 'P24: a Host that fits does not help');

bad('P25: another chain', 401, '/auth', chain => 137);
good('P25: any chain', '/chains', chain => 137);

($text, $sig) = signed($listed, '/auth');
accepted(send_it($text, $sig), 'P26: once');
refused(send_it($text, $sig), 401, 'P26: not twice',
        like => qr/used before/);
refused(send_it($text, node('twin', sig => $sig)), '400|401',
        'P27: the twin is no new one');
($zero = $sig) =~ s/(1b|1c)$/$1 eq '1b' ? '00' : '01'/e;
refused(send_it($text, $zero), 401, 'P27: nor is another v');
refused(send_it($text, $sig, '/all'), 401, 'P26: nor at another endpoint');

my $nonce = nonce();
good('P28: a nonce', '/auth', nonce => $nonce);
accepted(signin($gw, $second, '/auth', nonce => $nonce),
         'P28: the same, by another');

$nonce = nonce();
$text = message($gw, $listed->{address}, '/auth', nonce => $nonce);
refused(send_it($text, '0x' . '12' x 64 . '1b'), '400|401', 'P29: forged');
refused(send_it($text, node('sign', by => 'viem', key => $stranger->{key},
                            text => $text)), 401, 'P29: by a stranger');
accepted(send_it($text, node('sign', by => 'viem', key => $listed->{key},
                             text => $text)), 'P29: the nonce is not burnt');

($text, $sig) = signed($listed, '/auth');
refused(send_it($text, node('twin', sig => $sig)), '400|401',
        'P31: the twin first');
accepted(send_it($text, $sig), 'P31: then the signature');

($text, $sig) = signed($listed, '/auth');

for my $v (29, 37, 54, 255) {
    (my $other = $sig) =~ s/..$/sprintf '%02x', $v/e;
    refused(send_it($text, $other), '400|401', "P32: v = $v");
}

my $n = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
my ($r) = substr $sig, 2, 64;

refused(send_it($text, $_->[1]), '400|401', "P33: $_->[0]") for (
    [ 'r = 0', '0x' . '0' x 64 . substr $sig, 66 ],
    [ 's = 0', "0x$r" . '0' x 64 . '1b' ],
    [ 's = n', "0x$r${n}1b" ],
    [ 'r = n', "0x$n" . substr $sig, 66 ],
    [ 'all ones', '0x' . 'f' x 128 . '1b' ],
);

{
    my $socket = connect_to($gw->port('HTTP'));
    my @cases = (
        [ '64 bytes', encoded(substr $sig, 0, 130) ],
        [ '66 bytes', encoded($sig . '00') ], [ '0x', '"0x"' ],
        [ 'empty', '""' ], [ 'null', 'null' ],
        [ 'odd', encoded(substr $sig, 0, 131) ],
        [ 'not hexadecimal', encoded('0x' . 'zz' x 65) ],
        [ 'no 0x', encoded(substr $sig, 2) ],
        [ 'a contract\'s', encoded('0x' . '00' x 200) ],
        [ 'a number', '1' ], [ 'an array', "[\"$sig\"]" ], [ 'missing' ],
    );

    for (@cases) {
        my ($name, $json) = @$_;
        my $bytes = '{"msg":' . encoded($text)
                  . (defined $json ? ",\"sig\":$json}" : '}');
        my $answer = exchange(0,
            "POST /auth HTTP/1.1\r\nHost: gw.test\r\nContent-Length: "
            . length($bytes) . "\r\n\r\n$bytes",
            socket => $socket, until => qr/\r\n\r\n.*\}\n\z/s);

        like($answer, qr/^HTTP\/1\.1\ 40[01]\ .*\r\n\r\n
                         \{"error":"[^"]+"\}\n\z/sx,
             "P34: a signature, $name, on one connection")
            or diag($answer);
    }
}

my $plain = message($gw, $listed->{address}, '/auth');

sub layout {
    my ($name, $message) = @_;

    $sig = node('sign', by => 'viem', key => $listed->{key},
                text => $message);
    refused(send_it($message, $sig), '400|401', $name);
}

sub edited {
    my ($name, $code) = @_;

    local $_ = message($gw, $listed->{address}, '/auth');
    $code->();
    layout($name, $_);
}

edited('P35: one empty line', sub { s/\n\n\n/\n\n/ });
edited('P35: the drawing of the document',
       sub { s/\n\n\n/\n\nMessage: x\n/ });
edited('P35: CRLF', sub { s/\n/\r\n/g });
edited('P35: a line feed at the end', sub { $_ .= "\n" });
edited('P35: one at the start', sub { $_ = "\n$_" });
edited('P36: the order of fields', sub { s/(Version.*\n)(Chain.*\n)/$2$1/ });
edited('P36: an unknown field', sub { s/Nonce/Colour: red\nNonce/ });
edited('P36: two expirations', sub { s/(\nExpiration.*)/$1$1/ });
edited('P36: a NUL', sub { s/\n\n\n/\n\na\0b\n\n/ });
edited('P36: a line feed in the statement',
       sub { s/\n\n\n/\n\na\nURI: http:\/\/x.example\n\n/ });
edited('P37: a nonce of 7', sub { s/Nonce: .*/Nonce: abcdefg/ });
edited('P37: a dash in it', sub { s/Nonce: .*/Nonce: abcdefg-h/ });
edited('P37: version 2', sub { s/Version: 1/Version: 2/ });
edited('P37: 31 February',
       sub { s/Issued At: .*/Issued At: 2026-02-31T00:00:00Z/ });
edited('P37: no zone', sub { s/Z$// });
edited('P37: a blank in the domain', sub { s/^gw\.test/gw .test/ });

(my $wrong = $listed->{address}) =~ tr/a-fA-F/A-Fa-f/;
edited('P38: a bad checksum', sub { s/$listed->{address}/$wrong/ });

my $small = { %$lower, address => lc $lower->{address} };
refused(signin($gw, $small, '/auth'), '400|401', 'P39: small letters');
accepted(signin($gw, $small, '/lenient'), 'P39: where they may be');

($text, $sig) = signed($listed, '/auth');
($m, $s) = map { encoded($_) } $text, $sig;

refused(post($gw, '/auth', $_->[1]), '400|401', "P40: $_->[0]") for (
    [ 'not JSON', 'hello' ], [ 'empty', '' ], [ 'a blank', ' ' ],
    [ 'an array', "[$m,$s]" ], [ 'null', 'null' ], [ 'nothing', '{}' ],
    [ 'other names', qq({"message":$m,"signature":$s}) ],
    [ 'capitals', qq({"MSG":$m,"SIG":$s}) ],
    [ 'a number', qq({"msg":1,"sig":$s}) ],
    [ 'something behind', qq({"msg":$m,"sig":$s}x) ],
    [ 'two of them', qq({"msg":$m,"sig":$s}{}) ],
    [ 'half of it', qq({"msg":$m,"sig":) ],
    [ 'a byte order mark', qq(\xef\xbb\xbf{"msg":$m,"sig":$s}) ],
    [ 'a member twice', qq({"msg":$m,"msg":$m,"sig":$s}) ],
    [ 'bytes that are no UTF-8', qq({"msg":"\xff\xfe","sig":$s}) ],
);

my $cpu = $gw->cpu();
refused(post($gw, '/auth', 'x' x (8 << 20)), 413, 'P41: 8 MiB');
refused(post($gw, '/auth', '{"msg":' . encoded('x' x 16400) . '}'), 413,
        'P41: more than 16 KiB');
refused(post($gw, '/auth', '[' x 20000), '400|413', 'P41: 20000 arrays');
refused(post($gw, '/auth', '[' x 16000), 400, 'P41: 16000 arrays');
cmp_ok($gw->cpu() - $cpu, '<', 2, 'P41: in no time');

my $chunk = sprintf("%x\r\n%s\r\n", 9000, 'x' x 9000) x 20;
$reply = http_request($gw->port('HTTP'),
                      "${head}Transfer-Encoding: chunked\r\n\r\n${chunk}"
                      . "0\r\n\r\n");
is($reply->{status}, 413, 'P41: in chunks');
like($reply->{body}, qr/^\{"error":"[^"]+"\}$/, 'P41: JSON');

for my $method (qw(GET PUT OPTIONS DELETE PATCH)) {
    $reply = post($gw, '/auth', '', method => $method);
    refused($reply, 405, "P42: $method");
    is($reply->{headers}{allow}, 'POST', "P42: $method, Allow");
}

accepted(signin($gw, $lower, '/auth'), 'P45: listed in small letters');


# ---- connections

{
    my @bodies = map { body_of(signed($listed, '/auth')) } 1 .. 3;
    my $bytes = join '', map {
        "POST /auth HTTP/1.1\r\nHost: gw.test\r\nContent-Length: "
        . length($_) . "\r\n\r\n$_"
    } @bodies;

    my $answer = exchange($gw->port('HTTP'), $bytes . "GET /health HTTP/1.0"
                          . "\r\nHost: gw.test\r\n\r\n");
    my @lines = $answer =~ /(HTTP\/1\.1 \d+)/g;

    is_deeply(\@lines, [ ('HTTP/1.1 200') x 4 ], 'P49: pipelined');

    $answer = exchange($gw->port('HTTP'),
        "HEAD /auth HTTP/1.1\r\nHost: gw.test\r\n\r\n"
        . "GET /health HTTP/1.0\r\nHost: gw.test\r\n\r\n");
    like($answer, qr/^HTTP\/1\.1\ 405\ .*?\r\n\r\nHTTP\/1\.1\ 200\ .*well$/sx,
         'P49: HEAD has no body');

    $bytes = body_of(signed($listed, '/auth'));
    $answer = exchange($gw->port('HTTP'),
        "POST /auth HTTP/1.0\r\nHost: gw.test\r\nContent-Length: "
        . length($bytes) . "\r\n\r\n$bytes");
    like($answer, qr/^HTTP\/1\.1 200 .*x-api-key/s, 'P49: HTTP/1.0');

    $answer = exchange($gw->port('HTTP'),
        "POST /auth HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n"
        . "Expect: 100-continue\r\nConnection: close\r\n\r\nhello");
    like($answer, qr/^HTTP\/1\.1 100 .*HTTP\/1\.1 400 /s, 'P49: Expect');
}

$reply = post($gw, '/auth', body_of("a \"b\" <script>\n\\ \x01",
                                    "0x\"'</script>"));
refused($reply, '400|401', 'P50: an error is JSON');
unlike($reply->{body}, qr/script/, 'P50: and says nothing of what came');
edited('P50: a message that is nearly one', sub {
    s/Version: 1/Version: "<b>&\t/
});


# ---- keys

$key = key_of(signin($gw, $listed, '/auth'));

sub told {
    my ($name, $headers, %option) = @_;

    my $answer = with_key($gw, $option{path} || '/eth', undef,
                          headers => $headers, %option);
    is($answer->{status}, $option{status} || 200, $name)
        or diag($answer->{raw});

    return $answer;
}

for my $name ('x-api-key', 'X-API-Key', 'X-aPi-KEY') {
    $reply = told("P51: $name", "$name: $key\r\n");
    is($reply->{json}{url}, '/eth', 'P51: the backend answers');
    told('P51: again', "$name:  $key  \r\n");
}

refused(with_key($gw, '/eth', undef), 401, 'P52: no key',
        like => qr/x-api-key.*missing/);
is(with_key($gw, '/eth', undef)->{headers}{'www-authenticate'},
   'ApiKey header="x-api-key"', 'P52: and which is wanted');
refused(with_key($gw, '/eth', ''), 401, 'P52: empty');

refused(with_key($gw, '/eth', $_->[1]), '403|400', "P53: $_->[0]") for (
    [ 'garbage', 'garbage' ], [ 'a.b.c', 'a.b.c' ], [ '..', '..' ],
    [ '6000 bytes', 'x' x 6000 ], [ 'high bytes', "\xff\xfe.\x80.\xc0" ],
    [ 'padding', "$key=" ], [ 'four parts', "$key.x" ],
);

refused(with_key($gw, '/eth', "Bearer $key"), 403, 'P54: Bearer');
refused(with_key($gw, "/eth?x-api-key=$key&x_api_key=$key", undef,
                 headers => "Authorization: Bearer $key\r\n"
                            . "X_Api_Key: $key\r\n"), 401,
        'P55: a key elsewhere');

my ($header, $payload, $mac) = split /\./, $key;
my $mine = decode_base64url($payload);

for my $i (0, 5, 42) {
    my $other = $mac;
    substr $other, $i, 1, substr($other, $i, 1) eq 'A' ? 'B' : 'A';
    refused(with_key($gw, '/eth', "$header.$payload.$other"), 403,
            "P56: another MAC ($i)");
}

(my $more = $mine) =~ s/"exp":(\d+)/'"exp":' . ($1 + 1000)/e;
refused(with_key($gw, '/eth', "$header." . encode_base64url($more)
                 . ".$mac"), 403, 'P56: other claims');
refused(with_key($gw, '/eth', "$header.$payload."), 403, 'P56: no MAC');
refused(with_key($gw, '/eth', "$header.$payload"), 403, 'P56: two parts');

sub minted {
    my ($claim, %option) = @_;

    return node('mint', alg => 'HS256', secret => $secret,
                header => { }, payload => $claim, %option);
}

sub forged {
    my ($name, $status, $claim, %option) = @_;

    refused(with_key($gw, '/eth', minted($claim, %option)), $status, $name);
}

# changed(NAME => JSON ...): the claims with these instead

sub changed {
    my (%claim) = @_;

    my $text = $mine;

    for my $name (keys %claim) {
        my $now = $claim{$name};

        defined $now
        ? $text =~ s/"$name":(?:"[^"]*"|\[[^]]*\]|[^,}]*)/"$name":$now/
          || $text =~ s/\}$/,"$name":$now}/
        : $text =~ s/"$name":(?:"[^"]*"|\[[^]]*\]|[^,}]*),?//;
    }

    $text =~ s/,\}/}/;

    return $text;
}

is(with_key($gw, '/eth', minted($mine))->{status}, 200,
   'jose makes what we take');
is(with_key($gw, '/eth', minted(changed(colour => '"red"')))->{status}, 200,
   'claims that we do not know do no harm');

refused(with_key($gw, '/eth', node('none', claims => json($mine))), 403,
        'P57: alg none');

for my $alg ('none', 'None', 'NONE', 'RS256', 'hs256', '', 'HS256 ') {
    my $head = encode_base64url(qq({"alg":"$alg","typ":"JWT"}));
    refused(with_key($gw, '/eth', "$head.$payload."), 403,
            "P57: alg '$alg', no MAC");
    refused(with_key($gw, '/eth', "$head.$payload.$mac"), 403,
            "P57: alg '$alg'");
}

forged('P57: RS256', 403, $mine, alg => 'RS256');
forged('P57: another secret', 403, $mine, secret => 'x' x 32);
forged('P57: a secret that has one byte', 403, $mine, secret => "\0");
forged('P58: expired', 403, changed(exp => time - 1));
forged('P58: at its end', 403, changed(exp => int time));
forged("P59: exp $_", 403, changed(exp => $_))
    for (0, '"' . (time + 60) . '"', '1e400', -1, 'null', '1.5e99', '{}');
forged('P59: no exp', 403, changed(exp => undef));
forged('P59: nbf', 403, changed(nbf => int time + 60));
forged('P59: nbf, a text', 403, changed(nbf => '"1"'));
forged('P59: an array', 403, "[$mine]");
forged('P59: a text', 403, encoded($mine));
forged('P59: crit', 403, $mine, header => { crit => [ 'foo' ], foo => 1 },
       crit => { foo => $JSON::PP::true });
forged('P59: a kid that is not ours', 403, $mine,
       header => { kid => 'theirs' });
forged('P59: sub is no address', 403, changed(sub => '"me"'));
forged('P59: no jti', 403, changed(jti => undef));
forged('P59: a jti of another make', 403, changed(jti => '"1"'));
forged("P60: $_", 403, $mine, alg => $_) for qw(HS384 HS512);

my $caddy = minted(sprintf '{"exp":%d,"iat":%d}', time + 60, time);
refused(with_key($gw, '/eth', $caddy), 403, 'P61: of a Caddy provider');
is(with_key($gw, '/bare', $caddy)->{status}, 200, 'P61: where it may be');
refused(with_key($gw, '/bare', minted(sprintf '{"exp":%d,"iat":%d}',
                                      time - 1, time - 9)), 403,
        'P61: while it lasts');
refused(with_key($gw, '/bare', minted('{"iat":1}')), 403,
        'P61: which must be said');

my $limited = key_of(signin($gw, $second, '/auth'));
is(with_key($gw, '/eth', $limited)->{status}, 200, 'P62: its service');
refused(with_key($gw, '/base', $limited), 403, 'P62: another',
        like => qr/not good for this service/);
is(with_key($gw, '/any', $limited)->{status}, 200, 'P62: or any');
is_deeply(node('verify', token => key_of(signin($gw, $second, '/all')),
               secret => $secret)->{payload}{aud}, 'eth',
          'P62: what its rules name');

my $all = key_of(signin($gw, $listed, '/all'));
is(with_key($gw, $_, $all)->{status}, 200, "P62: one for all, $_")
    for qw(/eth /base /any);

$reply = told('P65: a request', "X-Api-Key: $key\r\nX-Wallet: me\r\n");
is($reply->{json}{headers}{'x-api-key'}, undef, 'P65: the key is stripped');
is($reply->{json}{headers}{'x-wallet'}, $listed->{address},
   'P65: the address is ours');
is(told('P65: passed', "X-Api-Key: $key\r\n", path => '/pass')
       ->{json}{headers}{'x-api-key'}, $key, 'P65: where it is asked for');

for my $count (0, 1, 5, 15, 16, 17, 18, 19, 20, 21, 38, 39, 40, 45) {
    my %at = map { $_ => 1 } 0, int $count / 2, $count;
    $at{1} = $at{$count - 1} = 1 if $count;

    for my $at (sort { $a <=> $b } keys %at) {
        my @headers = map { "X-H$_: $_\r\n" } 1 .. $count;
        splice @headers, $at, 0, "X-Api-Key: $key\r\n";

        my $answer = with_key($gw, '/eth', undef,
                              headers => join '', @headers);
        my $got = $answer->{json}{headers} || { };
        my @seen = grep { ($got->{"x-h$_"} // '') eq $_ } 1 .. $count;

        ok($answer->{status} == 200 && !exists $got->{'x-api-key'}
           && @seen == $count, "P65: of $count headers, the key at $at")
            or diag($answer->{raw});
    }
}

for my $path ('/auth/', '/AUTH', '//auth', '/%61uth', '/x/../auth',
              '/./auth', '/auth/.', '/Auth', '/auth%2f', '/%2fauth',
              '/auth;x', '/eth/../auth/x', '/%65th', '//eth', '/x/../eth',
              '/ETH', '/health/', '/health/../eth', '/health%00')
{
    my $get = with_key($gw, $path, undef);
    my $send = post($gw, $path, '{}');

    like($get->{status}, qr/^(?:40[0145])$/, "P66: GET $path");
    like($send->{status}, qr/^(?:40[0145])$/, "P66: POST $path");
    unlike($get->{raw} . $send->{raw}, qr/"url"/, "P66: not passed: $path");
}

for my $path ('//auth', '/%61uth', '/x/../auth') {
    my $bytes = body_of(signed($listed, '/auth'));
    accepted(post($gw, $path, $bytes), "P66: $path is /auth");
}

refused(with_key($gw, '/', undef), 401, 'P67: / needs a key');
is(with_key($gw, '/health', undef)->{body}, 'well', 'P67: unless exempted');

my $ws = 'ws://127.0.0.1:' . $gw->port('HTTP') . '/socket';
my %host = (Host => 'gw.test');

is_deeply(node('websocket', url => $ws,
               headers => { %host, 'x-api-key' => $key }),
          { status => 101, data => 'ping false' },
          'P69: a WebSocket with a key, which is stripped');
is_deeply(node('websocket', url => $ws, headers => \%host),
          { status => 401 }, 'P69: none without');
is_deeply(node('websocket', url => $ws,
               headers => { %host, 'x-api-key' => "${key}x" }),
          { status => 403 }, 'P69: none with a bad one');

refused(told('P70: two', "X-Api-Key: $key\r\nx-api-key: $key\r\n",
             status => 400), 400, 'P70: two keys');
refused(told('P70: good and bad', "X-Api-Key: $key\r\nx-api-key: x\r\n",
             status => 400), 400, 'P70: a good and a bad one');
refused(told('P70: bad and good', "X-Api-Key: x\r\nx-api-key: $key\r\n",
             status => 400), 400, 'P70: a bad and a good one');
refused(told('P70: empty and good', "X-Api-Key:\r\nx-api-key: $key\r\n",
             status => 400), 400, 'P70: an empty one counts');

{
    my $answer = exchange($gw->port('HTTP'),
        "POST /eth HTTP/1.1\r\nHost: gw.test\r\n"
        . "Content-Length: 50000000\r\n\r\nabc",
        until => qr/\}\n\z/);
    like($answer, qr/^HTTP\/1\.1 401 /,
         'P71: refused before the body, which does not come');

    $answer = exchange($gw->port('HTTP'),
        "POST /eth HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 100000\r\n"
        . "\r\n" . 'GET /health HTTP/1.1' . 'x' x 99980
        . "GET /health HTTP/1.0\r\nHost: gw.test\r\n\r\n");
    my @lines = $answer =~ /HTTP\/1\.1 (\d+)/g;
    is_deeply(\@lines, [ 401, 200 ],
              'P71: its body is not taken for a request');
}


# ---- rates

refused(signin($gw, $stranger, '/limited'), 401, 'P44: failures count');
good('P44: two', '/limited');
good('P44: three', '/limited');
$reply = signin($gw, $listed, '/limited');
refused($reply, 429, 'P44: four');
like($reply->{headers}{'retry-after'}, qr/^(?:1?\d|20|21)$/,
     'P44: Retry-After');
good('P44: elsewhere is another rate', '/usual');

my @requests = map {
    [ 'http://127.0.0.1:' . $gw->port('HTTP') . '/usual',
      { method => 'POST', body => body_of(signed($listed, '/usual')) } ];
} 1 .. 480;

my $start = time;
my $replies = node('fetch', requests => [ @requests[0 .. 15] ]);
is(scalar(grep { $_->{status} == 200 } @$replies), 16, 'P43: 16 at once');
my %keys = map { (json($_->{body})->{headers}{'x-api-key'} // '') => 1 }
    @$replies;
is(scalar keys %keys, 16, 'P43: tokens of their own');

$replies = node('fetch', requests => [ @requests[16 .. 479] ]);
is(scalar(grep { $_->{status} == 200 } @$replies), 464,
   'P43: 30 networks of 16 sessions');
note(sprintf '480 sign-ins in %.1f s', time - $start);

my $log = $gw->log();

unlike($log, qr/\Q$secret\E/, 'the secret is not logged');
my $of_all = (split /\./, $all)[2];
unlike($log, qr/\Q$of_all\E/, 'keys are not logged');
unlike($log, qr/\Q@{[ substr $sig, 4, 40 ]}\E/, 'signatures are not logged');

$gw->stop();

done_testing();
