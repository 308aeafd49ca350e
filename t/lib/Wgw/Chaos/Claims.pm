package Wgw::Chaos::Claims;

# Contents that somebody pays for: tokens are posted and revoked while contents
# are served, and each payer's bytes are those that clients received in its
# name.
#
# A round has five seconds, a content and a payer, made by a poster; it looks
# at what it did at once, and that a limit of requests holds, while readers
# ask for the same content.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Chaos::Client;
use Wgw::Chaos::Disk;
use Wgw::Claims;

my $node = 'did:web:node.example';
my $gate = 'did:web:gate.example';
my $posters = 2;
my $round = 5;


sub main {
    my ($self) = @_;

    my $claims = Wgw::Chaos::Disk::path($self->run, 'claims');

    return <<"EOF";
wgw_claims $claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $self->tokens->did('node') ]};
wgw_claims_zone file=content keys=5000;
wgw_meter_zone payers file=payers keys=20000;
EOF
}


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%CONTENT%%;
        root html;
        location /ipfs/ {
            add_header X-Payer $wgw_payer always;
            wgw_content public=30r/m;
            wgw_meter payers $wgw_payer;
            try_files /file =404;
        }
    }
EOF


sub admin { return <<'EOF' }
        location /v1/claims { wgw_claims_api; }
EOF


sub tokens {
    my ($self) = @_;

    return $self->{tokens} ||= Wgw::Claims->new($self->run->dir());
}


sub does { return ('exchange', 'post', 'revoke', 'refused') }


sub clients {
    my ($self) = @_;

    return (map { my $n = $_; ("poster-$n" => sub { $self->post($n, @_) }) }
            1 .. $posters),
           (map { ("reader-$_" => sub { $self->read(@_) }) } 1, 2);
}


# The content of a poster's round, raw, sha2-256 of nothing that there is.

sub content {
    my ($poster, $at) = @_;

    return Wgw::Claims::content($poster, int($at / $round));
}


# ---- asking

# The bytes are whose the answer says; one without is of either.

sub get {
    my ($self, $state, $cid, @may) = @_;

    my $client = $state->{client}
        ||= Wgw::Chaos::Client->new($self->run->port('CONTENT'));
    my $ledger = $self->run->ledger;
    my $start = time;
    my $text = "GET /ipfs/$cid HTTP/1.1\r\nHost: a\r\n\r\n";
    my $got = eval { $client->ask($text) };
    my $error = $@;

    if ($error && $error =~ /^connect/) {
        die $error;
    }

    $got ||= { ok => 0, status => 0, headers => { } };
    $got->{ok} = 0 if $got->{cut};

    my $payer = $got->{headers}{'x-payer'};

    $self->did('refused') if $got->{status} == 429;

    if (defined $payer) {
        $ledger->add("payers $payer", $start, 102_000, $got);

    } elsif (!$got->{status}) {
        $ledger->add("payers $_", $start, 102_000, { }) for 'public', @may;
    }

    $ledger->wrong("status $got->{status} of a content")
        if $got->{status} && $got->{status} !~ /^(?:200|429)$/;

    die $error if $error;

    return $got;
}


sub read {
    my ($self, $state) = @_;

    my $cid = content(1 + int rand $posters, time);

    # of whom a killed gateway would have told is not known: whoever pays now
    $self->get($state, $cid, $self->payers($cid));
    sleep rand 0.1;
}


# Who may pay for a content: posters write it down before they post.

sub payers {
    my ($self, $cid) = @_;

    return (split ' ', slurp($self->run->dir() . "/payer.$cid"))[0] // ();
}


# ---- posting

sub post {
    my ($self, $n, $state) = @_;

    my $ledger = $self->run->ledger;
    my $cid = content($n, time);
    my $end = (1 + int(time / $round)) * $round - 0.7;
    my $limit = rand() < 0.5 ? 1 + int rand 40 : 0;

    if (time > $end || $cid eq ($state->{keep}{last} // '')) {
        sleep 0.1;
        return;
    }

    $state->{keep}{last} = $cid;

    my ($payer, $token, $posted) = $self->make($n, $cid, $limit);
    my ($paid, $other) = (0, 0);

    while (time < $end) {
        my $got = eval { $self->get($state, $cid, $payer) } // { };

        delete $state->{client} if !$got->{ok};

        if (($got->{headers}{'x-payer'} // '') eq $payer) {
            $paid++;

        } elsif ($got->{ok}) {
            $other++;
        }

        sleep rand 0.1;
    }

    $ledger->wrong("$other requests for $cid are not paid for: $posted")
        if $other && !$limit;

    $self->revoke($token);

    my $got = $self->get($state, $cid, $payer);

    $ledger->wrong("$cid is paid for by who revoked it")
        if ($got->{headers}{'x-payer'} // '') eq $payer;
}


# Makes a payer and its tokens, and posts them.

sub make {
    my ($self, $n, $cid, $limit) = @_;

    my $tokens = $self->tokens;
    my $name = "payer-$n-" . int(time / $round);
    my $payer = $tokens->did($name);
    my $site = $tokens->make('node', iss => $node, aud => $payer,
                             cid => $cid, exp => 'never', pol => [ ]);
    my $auth = $tokens->make($name, aud => $gate, sub => $node, exp => 'never',
        pol => $limit ? [ qq(["<",".usage.requests.total",$limit]) ] : [ ]);
    my $both = $tokens->join($site, $auth);

    spew($self->run->dir() . "/payer.$cid", "$payer $limit");

    my $reply = $self->admin_until(qr/^200$/, '/v1/claims',
                                   method => 'POST', body => $both);

    my $posted = json($reply->{body});

    $self->did('post');

    # which of both is revoked is all the same
    return ($payer, $posted->{tokens}[rand 2]{id}, $reply->{body});
}


sub revoke {
    my ($self, $id) = @_;

    $self->admin_until(qr/^204$/, "/v1/claims/$id", method => 'DELETE');
    $self->did('revoke');
}


# Until a gateway that may be killed has answered.

sub admin_until {
    my ($self, $status, $path, %option) = @_;

    my $reply;

    wait_for(sub {
        $reply = http_get($self->run->port('ADMIN'), $path, %option);
        $self->did('no room') if $reply->{status} == 507;
        return $reply->{status} =~ $status
               || ($reply->{status} && $reply->{status} !~ /^50[37]$/);
    });

    $self->run->ledger->wrong("$path is answered $reply->{raw}")
        if $reply->{status} !~ $status;

    return $reply;
}


sub compare {
    my ($self) = @_;

    my ($keys, $rows) = @{$self->run->ledger}{'keys', 'rows'};
    my @payers = grep { /^payers did:/ } keys %$keys;
    my @sure = grep { $keys->{$_}{sure} } @payers;
    my ($reached, @passed) = (0);

    for my $file (glob $self->run->dir() . '/payer.*') {
        my ($payer, $limit) = split ' ', slurp($file);
        my $row = $rows->{"payers $payer"} // { };
        my $n = $row->{requests} // 0;

        $reached++ if $limit && $n == $limit;
        push @passed, "$payer paid for $n of $limit" if $limit && $n > $limit;
    }

    diag(scalar(@payers) . ' payers, ' . scalar(@sure) . " of them sure; "
         . "$reached reached their limits");
    Wgw::Chaos::Ledger::none('no limit of a claim is passed', @passed);
}


1;
