#!/usr/bin/perl

# Claims that are looked up in the background, while requests go on.

use warnings;
use strict;

use Compress::Zlib ();
use MIME::Base64 qw(decode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;
use Wgw::Service;
use Wgw::Tls;


my $node = 'did:web:asia.web3.storage';
my $gate = 'did:web:w3s.link';

my $gw = Wgw->new('events { }');
my $c = Wgw::Claims->new($gw->dir());
my $dir = $gw->dir();
my $s = Wgw::Service->new($dir, $gw->port('CLAIMS'));

mkdir "$dir/files";
spew("$dir/files/file", 'x' x 100);
spew("$dir/files/secret", "nobody:x\n");

sub content { return Wgw::Claims::content(@_) }

sub configure {
    my (%option) = @_;

    my $public = $option{public} // '5r/d';
    my $times = $option{times} // 'fresh=1s stale=2s';
    my $queue = $option{queue} // 64;
    my $budget = $option{budget} // '';
    my $service = $option{service} // $gw->port('CLAIMS');

    $gw->configure(<<"EOT");
worker_processes 2;
worker_shutdown_timeout 20s;
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone keys=20000;
wgw_meter_zone payers file=payers keys=100;
wgw_meter_zone all file=all keys=100;
events { worker_connections 2048; }
http {
    keepalive_requests 100000;
    log_format all "\$uri \$status";
    access_log logs/access.log all;
    limit_req_zone \$server_name zone=one:1m rate=1r/m;
    add_header X-Class "\$wgw_content" always;
    add_header X-Payer "\$wgw_payer" always;
    $budget

    upstream claims { server 127.0.0.1:$service; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;

        location /ipfs/ {
            wgw_content public=$public lookup=/claims $times queue=$queue;
            wgw_meter payers \$wgw_payer;
            try_files /file =404;
        }

        location /named/ {
            rewrite ^/named/(.*) /ipfs2/\$1;
        }

        location ~ ^/ipfs2/(.+) {
            wgw_content \$1 lookup=\@claims;
            try_files /file =404;
        }

        location \@claims {
            proxy_pass http://claims/named/\$wgw_multihash;
        }

        location /required/ {
            rewrite ^/required/(.*) /ipfs3/\$1;
        }

        location ~ ^/ipfs3/(.+) {
            wgw_content \$1 lookup=/claims required;
            try_files /file =404;
        }

        location = /claims {
            internal;
            deny all;
            limit_req zone=one;
            auth_basic "closed";
            auth_basic_user_file files/secret;
            wgw_content public=0r/m lookup=/claims;
            wgw_meter all all;
            proxy_pass http://claims/claims/multihash/\$wgw_multihash;
            proxy_set_header X-Cid \$wgw_cid;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/claims { wgw_claims_api; }
        location /v1/usage { wgw_usage json; }
        location = /metrics { wgw_usage prometheus; }
    }
}
EOT
}

configure();
$gw->start();

sub class {
    my ($path, $headers, $port) = @_;

    my $reply = http_get($port // $gw->port('HTTP'), $path,
                         headers => $headers);

    return "$reply->{status} " . ($reply->{headers}{'x-class'} // '');
}

sub get { return class('/ipfs/' . $_[0]) }

my %multihash;

sub multihash {
    my ($cid) = @_;

    return $multihash{$cid} ||= do {
        my @digits = split //,
            '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
        my %value;
        @value{'a' .. 'z', 2 .. 7} = 0 .. 31;

        my $bits = CORE::join '', map { sprintf '%05b', $value{$_} }
                                  split //, substr $cid, 1;
        my @bytes = unpack 'C*', substr pack('B*', $bits), 2, 34;
        my $text = '';

        while (@bytes) {
            my ($rest, @next) = (0);

            for my $byte (@bytes) {
                my $n = $rest * 256 + $byte;
                push @next, int $n / 58 if @next || $n >= 58;
                $rest = $n % 58;
            }

            $text = $digits[$rest] . $text;
            @bytes = @next;
        }

        "z$text";
    };
}

# how often a content was asked for

sub asked {
    my ($cid) = @_;

    my $multihash = multihash($cid);

    return scalar grep { m{/\Q$multihash\E$} } $s->asked();
}

sub metric {
    my ($name) = @_;

    my $text = http_get($gw->port('ADMIN'), '/metrics')->{body};

    return $text =~ /^\Q$name\E (\d+)$/m ? $1 : -1;
}

sub lookups { return metric(qq(wgw_claims_lookups_total{result="$_[0]"})) }

sub quiet {
    ok(wait_for(sub { metric('wgw_claims_lookups_pending') == 0 }),
       "no look-up is on its way$_[0]");
}

sub site {
    my ($name, $content, @pol) = @_;

    return $c->make('node', iss => $node, aud => $c->did($name),
                    cid => $content, exp => 'never', pol => \@pol);
}

sub auth {
    my ($name, @pol) = @_;

    return $c->make($name, aud => $gate, sub => $node, pol => \@pol);
}

# what the service has of a content

sub claims {
    my ($cid, @tokens) = @_;

    $s->answer(multihash($cid), $s->ok($c->join(@tokens)));
}

sub stored {
    my ($cid) = @_;

    my $reply = http_get($gw->port('ADMIN'), "/v1/claims?content=$cid");

    return scalar @{ json($reply->{body})->{tokens} };
}


# ---- the first request, and what comes of it

my $one = content(1);
claims($one, site('alice', $one), auth('alice'));
$s->hang(multihash($one));

is(get($one), '200 unknown_first', 'egress 6: served before it is known');
ok(wait_for(sub { asked($one) == 1 }), 'egress 6: and looked up');
is(($s->asked())[0], '/claims/multihash/' . multihash($one),
   'S24: by multihash, in base58btc');
is(get($one), '200 unknown_first', 'egress 7: no request waits for it');
is(asked($one), 1, 'egress 7: nor asks again');

claims($one, site('alice', $one), auth('alice'));
ok(wait_for(sub { get(content(1)) eq '200 claim' }), 'S33: then it is paid');
is(stored($one), 1, 'what came is stored');

my $log = slurp("$dir/logs/access.log");
unlike($log, qr{^/claims}m, 'a look-up is not logged');
is(usage($gw->port('ADMIN'), 'all'), undef, 'nor metered');
is(http_get($gw->port('HTTP'), '/claims')->{status}, 404,
   'its location is none of a client\'s');


# ---- fresh, stale, past it

$gw->stop();
configure(times => 'fresh=3s stale=60s');
$gw->start();

my $two = content(2);
is(get($two), '200 unknown_first', 'egress 8: unknown');
ok(wait_for(sub { lookups('none') == 1 }), 'egress 8: there is no claim');
is(get($two), '200 public', "egress 8: fresh, $_ of four") for 1 .. 4;
is(get($two), '429 denied', 'egress 8: and the quota is used up');
is(asked($two), 1, 'egress 8: asked for once');

sleep 3.2;
$s->hang(multihash($two));
is(get($two), '429 denied', 'egress 9: stale, still refused');
ok(wait_for(sub { asked($two) == 2 }), 'egress 9: looked up meanwhile');
is(get($two), '429 denied', 'egress 9: and refused');
is(asked($two), 2, 'egress 9: one look-up');
claims($two, site('bob', $two), auth('bob'));
ok(wait_for(sub { get($two) eq '200 claim' }),
   'egress 61: until somebody pays');

my $three = content(3);
claims($three, site('carl', $three),
       auth('carl', '["<",".usage.requests.day",2]'));
is(get($three), '200 unknown_first', 'egress 10: unknown');
ok(wait_for(sub { stored($three) }), 'egress 10: somebody pays');
is(get($three), '200 claim', "egress 10: $_ of two") for 1, 2;
is(get($three), '200 public', "egress 10: $_ of four") for 1 .. 4;
is(get($three), '429 denied', 'egress 10: fresh, all of it used up');
sleep 3.2;
$s->hang(multihash($three));
is(get($three), '200 stale_over', 'egress 10: stale, served beyond all limits')
    for 1 .. 3;
claims($three, site('carl', $three));
ok(wait_for(sub { get($three) eq '429 denied' }),
   'egress 10: until it is known that there is no more');

$gw->stop();
configure(public => '20r/d', times => 'fresh=1s stale=1s');
$gw->start();

my $four = content(4);
is(get($four), '200 unknown_first', 'egress 11: unknown');
ok(wait_for(sub { lookups('none') == 1 }), 'egress 11: no claim');
is(get($four), '200 public', 'egress 11: known');
sleep 3.2;

# a busy machine may have been so slow that it was stale before, and asked for
my $asked = asked($four);
is(get($four), '200 unknown_first', 'egress 11: past its time unknown again');
ok(wait_for(sub { asked($four) == $asked + 1 }), 'egress 11: and looked up');


# ---- many at once

$gw->stop();
configure(public => 'off', times => '');
$gw->start();

my $many = content(5);
$s->hang(multihash($many));

my @sockets = map { connect_to($gw->port('HTTP')) } 1 .. 20;
my %classes;

for my $socket (@sockets) {
    syswrite $socket, "GET /ipfs/$many HTTP/1.1\r\nHost: a\r\n\r\n" x 50;
}

for my $socket (@sockets) {
    my ($n, $buffer) = (0, '');

    while ($n < 50 && sysread $socket, $buffer, 65536, length $buffer) {
        while ($buffer =~ s/^HTTP.1.1\ (\d+).*?X-Class:\ (\w+)
                            .*?\r\n\r\nx{100}//xs)
        {
            $classes{"$1 $2"}++;
            $n++;
        }
    }
}

is_deeply(\%classes, { '200 unknown_first' => 1000 },
          'egress 7: a thousand first requests, all served');
# it is sent behind the answers
wait_for(sub { asked($many) });
is(asked($many), 1, 'egress 7: exactly one look-up');
is(metric('wgw_claims_lookups_pending'), 1, 'which is on its way');
$s->answer(multihash($many), $s->status(404));
quiet(' after all that');


# ---- a service that hangs; the queue

$gw->stop();
configure(public => 'off', times => '', queue => 4);
$gw->start();
$s->hang(undef);

my $before = scalar $s->asked();
my $socket = connect_to($gw->port('HTTP'));
my $served = 0;

for my $n (1 .. 2000) {
    my $answer = exchange(undef, 'GET /ipfs/' . content(10_000 + $n)
                          . " HTTP/1.1\r\nHost: a\r\n\r\n",
                          socket => $socket, until => qr/\r\n\r\nx{100}/);
    $served++ if $answer =~ /^HTTP.1.1 200 .*X-Class: unknown_first/s;
}

is($served, 2000, 'egress 12: a flood of contents, all served');
is(metric('wgw_claims_lookups_pending'), 4,
   'egress 12: before any look-up has ended');
ok(wait_for(sub { $s->asked() - $before >= 4 }), 'four are asked for');
is($s->asked() - $before, 4, 'egress 12: no more than the queue takes');
is(lookups('dropped'), 1996, 'egress 12: the others are counted');
my @told = $gw->log() =~ /\[warn\].*?4 look-ups of claims are on their way/g;
cmp_ok(scalar @told, '<=', 2, 'egress 12: and told, once by each worker');

$s->answer(undef, $s->status(404));
quiet(' when they are answered');
is(lookups('none'), 4, 'with nothing');


# ---- the worker that looks up is killed; a reload

my $killed = content(6);
$s->hang(multihash($killed));
is(get($killed), '200 unknown_first', 'a look-up');
ok(wait_for(sub { asked($killed) == 1 }), 'is on its way');

CORE::kill 'KILL', $gw->workers();
$gw->expect(qr/exited on signal 9/);
ok(wait_for(sub { $gw->workers() == 2 && get($killed) =~ /^200/ }),
   'its worker is killed');
is(asked($killed), 1, 'it is not asked again at once');
$s->answer(multihash($killed), $s->status(404));
ok(wait_for(sub { get($killed) eq '200 public' }, 25),
   'but later, when it must have failed');
is(asked($killed), 2, 'once');
quiet(' after the kill');

my $reloaded = content(7);
$s->hang(multihash($reloaded));
is(get($reloaded), '200 unknown_first', 'another');
ok(wait_for(sub { asked($reloaded) == 1 }), 'is on its way');
$gw->reload(old => 'stay');
wait_for(sub { $gw->workers() >= 3 });
is(get($reloaded), '200 unknown_first', 'after a reload');
is(asked($reloaded), 1, 'new workers know that it is');
claims($reloaded, site('dora', $reloaded), auth('dora'));
ok(wait_for(sub { get($reloaded) eq '200 claim' }),
   'what comes to the old worker is good for the new ones');
is(asked($reloaded), 1, 'it was asked for once');
ok(wait_for(sub { $gw->workers() == 2 }), 'and the old worker ends');


# ---- answers that are none

my $n = 100;

sub bad {
    my ($bytes, $phrase, $what) = @_;

    my $content = content($n++);
    my $failed = lookups('failed');

    $s->answer(multihash($content), $bytes);
    is(get($content), '200 unknown_first', "$what: served");
    ok(wait_for(sub { lookups('failed') > $failed }), "$what: is no answer");
    my $line = "$content are not known: the answer (?:$phrase)";
    like($gw->log(), qr/\[warn\].*?$line/, "$what: which is said");
    is(get($content), '200 unknown_first', "$what: still unknown");
}

my $raw = decode_base64(substr $c->join(site('eva', $one)), 1);
my $bomb = 'M' . Compress::Zlib::memGzip("\0" x (64 << 20));

bad($s->ok('x' x 300_000), 'is too long', 'a huge one');
bad($s->ok($bomb), 'is refused, container:too-large', 'egress 92: a bomb');
bad($s->ok('@' . substr $raw, 0, -1), 'is refused, cbor:truncated',
    'one cut short');
bad("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\@abc", 'did not come',
    'one whose end does not come');
bad($s->ok('<html>sorry</html>'), 'is refused, container:header', 'a page');
bad($s->ok('x', "Content-Encoding: gzip\r\n"), 'is encoded', 'an encoded one');
bad($s->status(500), 'is a refusal \(status 500\)', '500');
bad($s->status(503), 'is a refusal \(status 503\)', '503');
bad($s->status(403), 'is a refusal \(status 403\)', '403');
bad($s->status(302, "Location: http://127.0.0.1/\r\n"),
    'is a refusal \(status 302\)', 'a redirect');
bad("nonsense\r\n\r\n", 'did not come|is a refusal', 'no HTTP');
bad($s->status(200, "X-Accel-Redirect: /ipfs/x\r\n"), 'is a refusal|did not',
    'an inner redirect');

for my $status (404, 410, 204) {
    my $content = content($n++);
    my $none = lookups('none');

    $s->answer(multihash($content), $s->status($status));
    get($content);
    ok(wait_for(sub { lookups('none') > $none }), "$status: there is none");
    is(get($content), '200 public', "$status: which is known");
}

# of an answer only what is bad is left out

my $mixed = content($n++);
my $bad = $c->raw(auth('fred'));
substr($bad, 10, 1) = chr(ord(substr $bad, 10, 1) ^ 1);

my @mixed = ($bad, $c->raw(site('fred', $mixed)), $c->raw(auth('fred')),
             'nonsense' x 40, $c->raw(site('gina', content(999))),
             $c->raw($c->make('mallory', aud => $gate, sub => $node)));

$s->answer(multihash($mixed), $s->ok(
    "\@\xa1\x66ctn-v1\x86"
    . CORE::join '', map { "\x59" . pack('n/a*', $_) } @mixed));
get($mixed);
ok(wait_for(sub { get($mixed) eq '200 claim' }),
   'only the bad tokens of an answer are left out');
is(stored(content(999)), 0, 'and those about another content');
is((grep { $_->{iss} eq $c->did('mallory') }
    @{ json(http_get($gw->port('ADMIN'), "/v1/claims?audience=$gate")
            ->{body})->{tokens} }),
   0, 'and those of who has no commitment');
like($gw->log(), qr/4 tokens that were looked up are no good/,
     'which is said');

# what is revoked does not come back

my $again = content($n++);
my ($again_site, $again_auth) = (site('hans', $again), auth('hans'));
my $posted = json(http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
                           body => $again_site)->{body})->{tokens};
is(http_get($gw->port('ADMIN'), "/v1/claims/$posted->[0]{id}",
            method => 'DELETE')->{status}, 204, 'one that is revoked');
claims($again, $again_site, $again_auth);
my $found = lookups('found');
get($again);
ok(wait_for(sub { lookups('found') > $found }), 'comes again');
is(stored($again), 0, 'and is not taken');

# other ways to it

my $named = content($n++);
claims($named, site('ines', $named), auth('ines'));
is(class("/named/$named"), '200 unknown_first', 'a named location');
ok(wait_for(sub { class("/named/$named") eq '200 claim' }), 'answers, too');
is((grep { m{^/named/} } $s->asked())[0], '/named/' . multihash($named),
   'with a path of its own');

my $required = content($n++);
claims($required, site('jack', $required), auth('jack'));
is(class("/required/$required"), '403 denied', 'where claims are required');
ok(wait_for(sub { class("/required/$required") eq '200 claim' }),
   'it is looked up, too');


# ---- a service that is away

$gw->stop();
configure(public => 'off', times => 'fresh=1s stale=4s');
$gw->start();

my $away = content($n++);
claims($away, site('kate', $away), auth('kate', '["<",".usage.requests.total",'
                                        . '2]'));
get($away);
ok(wait_for(sub { get($away) eq '200 claim' }), 'egress 13: known');
$s->stop();
get($away);

my ($start, @seen) = (time);

while (time - $start < 12) {
    my $class = get($away);
    push @seen, $class if !@seen || $seen[-1] ne $class;
    sleep 0.05;
}

like(CORE::join(', ', @seen), qr/^(?:200 public, )?200 unknown_first$/,
     'egress 13: stale to its end, then unknown');

my @failed = $gw->log() =~ /\[warn\].*?(\Q$away\E are not known)/g;
cmp_ok(scalar @failed, '>=', 3, 'egress 13: it is asked for again');
cmp_ok(scalar @failed, '<=', 5, 'egress 13: less and less often');

$s->start();
ok(wait_for(sub { get($away) eq '200 public' }, 30),
   'egress 13: and known when the service is back');

$gw->stop();


# ---- services of several servers: what one of them says is its own

mkdir "$dir/other";
my $other = Wgw::Service->new("$dir/other", $gw->port('OTHER'));

$gw->configure(<<"EOT");
worker_processes 1;
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone keys=20000;
events { }
http {
    add_header X-Class "\$wgw_content" always;

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;

        location /ipfs/ {
            wgw_content public=100r/d lookup=/claims queue=4;
            try_files /file =404;
        }

        location = /claims {
            proxy_pass http://127.0.0.1:%%CLAIMS%%/a/\$wgw_multihash;
        }
    }

    server {
        listen 127.0.0.1:%%SECOND%%;
        root files;

        location /ipfs/ {
            wgw_content public=100r/d lookup=/claims queue=4;
            try_files /file =404;
        }

        location = /claims {
            proxy_pass http://127.0.0.1:%%OTHER%%/b/\$wgw_multihash;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location = /metrics { wgw_usage prometheus; }
    }
}
EOT

$gw->start();

sub second { return class('/ipfs/' . $_[0], undef, $gw->port('SECOND')) }

my $both = content($n++);
is(get($both), '200 unknown_first', 'a content of one server');
ok(wait_for(sub { get($both) eq '200 public' }), 'of which it knows nothing');
$other->answer(multihash($both),
               $other->ok($c->join(site('lena', $both), auth('lena'))));
is(second($both), '200 unknown_first', 'is not known to another');
ok(wait_for(sub { second($both) eq '200 claim' }), 'which asks its own');
is(get($both), '200 claim', 'what is stored is for all');

$s->hang(undef);
get(content(20_000 + $_)) for 1 .. 10;
is(metric('wgw_claims_lookups_pending'), 4, 'a service that hangs');
my $free = content($n++);
second($free);
ok(wait_for(sub { second($free) eq '200 public' }),
   'is not in the way of another');
$s->answer(undef, $s->status(404));
quiet(' when it answers');

$gw->stop();


# ---- TLS: who cannot show that he is the service is not believed

certificate($dir, 'claims', 'mallory');

my $tls = CORE::join '', map {
    my ($name, $trusted, $sni) = @$_;

    <<"EOT";
    server {
        listen 127.0.0.1:%%$name%%;
        root files;

        location /ipfs/ {
            wgw_content public=100r/d lookup=\@claims;
            try_files /file =404;
        }

        location \@claims {
            proxy_pass https://127.0.0.1:%%TLS%%/\$wgw_multihash;
            proxy_ssl_server_name on;
            proxy_ssl_name $sni;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate $trusted.crt;
        }
    }
EOT
} [ 'HTTP', 'claims', 'claims' ], [ 'FORGED', 'mallory', 'claims' ],
  [ 'NAMED', 'claims', 'mallory' ];

$gw->configure(<<"EOT");
worker_processes 1;
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone keys=20000;
events { }
http {
    add_header X-Class "\$wgw_content" always;

$tls
    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate claims.crt;
        ssl_certificate_key claims.key;
        location / { proxy_pass http://127.0.0.1:%%OTHER%%; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location = /metrics { wgw_usage prometheus; }
    }
}
EOT

$gw->start();

my $secret = content($n++);
$other->answer(multihash($secret),
               $other->ok($c->join(site('mona', $secret), auth('mona'))));

for ([ 'FORGED', qr/certificate verify error: \(18:self.signed/ ],
     [ 'NAMED', qr/certificate does not match "mallory"/ ])
{
    my ($name, $phrase) = @$_;
    my $failed = lookups('failed');

    is(class("/ipfs/$secret", undef, $gw->port($name)), '200 unknown_first',
       "TLS, $name: a request is served");
    ok(wait_for(sub { lookups('failed') > $failed }), "TLS, $name: refused");
    like($gw->log(), $phrase, "TLS, $name: which is said");
    is(class("/ipfs/$secret", undef, $gw->port($name)), '200 unknown_first',
       "TLS, $name: nothing is known");
}

is(scalar $other->asked(), 2, 'TLS: nothing was asked of who is not known');
get($secret);
ok(wait_for(sub { get($secret) eq '200 claim' }), 'TLS: the right one is');

$gw->stop();


# ---- what is refused in the configuration

sub config {
    my ($content, $phrase, $location) = @_;

    $location //= 'location = /claims { internal; }';

    $gw->configure(<<"EOT");
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_zone keys=1000;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        $location
        location / { $content }
    }
}
EOT

    my ($code, $text) = $gw->run('-t');
    ok($code != 0 && index($text, $phrase) >= 0, $phrase) or diag($text);
}

config('wgw_content lookup=/other;',
       'no location "/other" for "lookup" in the server in');
config('wgw_content lookup=/claim;',
       'no location "/claim" for "lookup" in the server in');
config('wgw_content lookup=@claims;', 'no location "@claims" for "lookup"');
config('wgw_content lookup=claims;', '"lookup=claims" is not a location');
config('wgw_content lookup=/claims lookup=/claims;', 'is duplicate');
config('wgw_content lookup=/claims fresh=x;',
       '"fresh=x" is not a time of at most 30 days');
config('wgw_content lookup=/claims stale=31d;',
       '"stale=31d" is not a time of at most 30 days');
config('wgw_content lookup=/claims queue=0;',
       '"queue=0" is not a number from 1 to 240');
config('wgw_content lookup=/claims queue=241;',
       '"queue=241" is not a number from 1 to 240');
config('wgw_content fresh=1s;',
       'has "fresh", "stale" or "queue" without "lookup"');

$gw->configure(<<"EOT");
wgw_claims claims gateway=$gate subject=$node;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location = /claims { }
        location / { wgw_content public=off lookup=/claims; }
    }
}
EOT

my ($code, $text) = $gw->run('-t');
like($text, qr/no "wgw_claims_zone" directive/, 'look-ups need a zone');

# at the level of http: of each server

$gw->configure(<<"EOT");
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_zone keys=1000;
events { }
http {
    wgw_content lookup=/claims;

    server {
        listen 127.0.0.1:%%HTTP%%;
        location = /claims/more { }
        location = /claims { }
        location / { location /inner/ { } }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name other;
        location /claims { }
    }
}
EOT

($code, $text) = $gw->run('-t');
is($code, 0, 'a location in each server') or diag($text);

done_testing();
