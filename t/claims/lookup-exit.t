#!/usr/bin/perl

# Workers that are told to end while claims are looked up.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;
use Wgw::Service;


my $gate = 'did:web:w3s.link';

my $gw = Wgw->new('events { }');
my $c = Wgw::Claims->new($gw->dir());
my $dir = $gw->dir();
my $s = Wgw::Service->new($dir, $gw->port('CLAIMS'));

mkdir "$dir/files";
spew("$dir/files/file", 'x' x 100);

sub content { return Wgw::Claims::content(@_) }

$gw->configure(<<"EOT");
worker_processes 1;
worker_shutdown_timeout 3s;
wgw_claims claims gateway=$gate subject=@{[ $c->did('node') ]};
wgw_claims_zone keys=1000;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        add_header X-Class "\$wgw_content" always;

        location /ipfs/ {
            wgw_content public=off lookup=/claims queue=4;
            try_files /file =404;
        }

        location = /claims {
            proxy_pass http://127.0.0.1:%%CLAIMS%%/\$wgw_multihash;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location = /metrics { wgw_usage prometheus; }
    }
}
EOT

$gw->start();
$s->hang(undef);

sub pending {
    my $text = http_get($gw->port('ADMIN'), '/metrics')->{body};

    return $text =~ /^wgw_claims_lookups_pending (\d+)$/m ? $1 : -1;
}

sub get {
    my ($n) = @_;

    my $reply = http_get($gw->port('HTTP'), '/ipfs/' . content($n));

    return "$reply->{status} $reply->{headers}{'x-class'}";
}

# a request whose head is whole only when the worker's time is over, which
# nginx may see before or after the end of that

my ($old) = $gw->workers();
my $socket = connect_to($gw->port('HTTP'));

syswrite $socket, 'GET /ipfs/' . content(1) . " HTTP/1.1\r\nHost: a\r\n";
get(2);
ok(wait_for(sub { pending() == 1 }), 'one is looked up');
sleep 0.1;

$gw->reload(old => 'stay');
ok(wait_for(sub { $gw->log() =~ /gracefully shutting down/ }),
   'an old worker');
sleep 0.2;
CORE::kill 'STOP', $old;
syswrite $socket, "\r\n";
sleep 3.3;
CORE::kill 'CONT', $old;

exchange(undef, '', socket => $socket, until => qr/\r\n\r\nx{100}/);
ok(wait_for(sub { !grep { $_ == $old } $gw->workers() }),
   'the old worker ends in time');
unlike($gw->log(), qr/exited on signal/, 'as it should');

# what it had asked for is left

is(pending(), 0, 'with no place taken');
is(scalar $s->asked(), 1, 'nor asked for by who is about to end');
$s->answer(undef, $s->status(404));
ok(wait_for(sub { get(2) eq '200 public' }), 'and asked for anew');
ok(wait_for(sub { get(1) eq '200 public' }), 'so is the other');

$gw->stop();

done_testing();
