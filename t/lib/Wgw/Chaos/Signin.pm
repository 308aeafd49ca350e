package Wgw::Chaos::Signin;

# Sign-ins: those of wallets who may, while a flood of others comes, of messages
# that were used, were altered, or are nobody's.  A message is good once, a key
# until it is revoked or ends, and no other one is.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use MIME::Base64 qw(decode_base64url);
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth qw(node message body_of nonce);
use Wgw::Node;

# development keys: the last one is on no list
our @Wallets = (
    [ '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80' ],
    [ '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d' ],
    [ '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a' ],
);


# who answers calls
sub needs { return ('backends') }


sub main { return <<'EOF' }
wgw_auth_zone file=tokens keys=60000;
EOF


sub http { return <<"EOF" }
    server {
        listen 127.0.0.1:%%SIGNIN%%;
        server_name gw.test 127.0.0.1;

        wgw_auth_secret secret;
        wgw_auth_allow $Wallets[0][0];
        wgw_auth_allow $Wallets[1][0] eth;
        wgw_auth_rate off;
        wgw_auth_wallet_rate off;
        wgw_auth_wallet_keys off;
        wgw_meter names \$arg_k;

        location = /auth { wgw_auth_signin eth; }
        location = /few { wgw_auth_signin eth; wgw_auth_rate 20r/m; }
        location /eth {
            wgw_auth eth;
            proxy_pass http://127.0.0.1:%%WELL%%;
            proxy_set_header Connection "";
        }
    }
EOF


sub admin { return <<'EOF' }
        location /v1/auth { wgw_auth_api; }
EOF


sub before {
    my ($self) = @_;

    my $path = $self->run->dir() . '/secret';

    # in a fresh checkout that may take longer than the whole run
    Wgw::Node::have() or die 'tools/npm.sh';

    spew($path, "a secret of more than sixteen bytes\n");
    chmod 0600, $path;
}


sub does {
    return qw(in used replayed altered revoked stranger forged flood), 'too many';
}


sub clients {
    my ($self) = @_;

    return (map { ("signin-$_" => sub { $self->wallet(@_) }) } 1, 2),
           ('flood' => sub { $self->flood(@_) });
}


# ---- asking

sub ask {
    my ($self, $state, $method, $path, $fields, $body) = @_;

    my $key = "$state->{name}-" . int time;
    my $text = "$method $path?k=$key HTTP/1.1\r\nHost: gw.test\r\n$fields"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return $self->ask_on($state, 'SIGNIN', "names $key",
                         length($text) + 8000, $text);
}


# Says what is wrong unless the answer is one of these; none is that of a
# gateway that is gone.  A clock that leaps ends what has an end.

sub must {
    my ($self, $what, $got, @may) = @_;

    my $status = $got->{status};

    push @may, 401, 403 if $self->run->actor('clock') && $what =~ /^(in|used)$/;

    if (grep { $_ == $status } @may) {
        $self->did($what) if $status == $may[0];

    } elsif ($status && $status != 503) {
        $self->run->ledger->wrong("$what: " . substr $got->{head}, 0, 500);
    }

    return $status == $may[0];
}


sub signed {
    my ($self, $of, %field) = @_;

    my ($address, $key) = @{$Wallets[$of]};
    my $text = message($self->run->gw, $address, '/auth', %field);

    return ($text, node('sign', by => 'viem', key => $key, text => $text));
}


# ---- one sign-in, and what is to be had with it

sub wallet {
    my ($self, $state) = @_;

    return $self->stranger($state) if rand() < 0.1;

    my ($text, $signature) = $self->signed(int rand 2);
    my $body = body_of($text, $signature);
    my $got = $self->ask($state, 'POST', '/auth', '', $body);
    my $in = $self->must('in', $got, 200);

    # used, whoever was killed meanwhile: unless there was no answer
    $self->must('replayed', $self->ask($state, 'POST', '/auth', '', $body), 401)
        if $in;

    my $other = body_of($text =~ s/Nonce: .*/'Nonce: ' . nonce()/er,
                        $signature);

    # of another signer, who is on no list
    $self->must('altered', $self->ask($state, 'POST', '/auth', '', $other),
                401, 403);

    return if !$in;

    my ($key) = $got->{head} =~ /"x-api-key": *"([^"]+)"/ or return;

    $self->key($state, $key);
}


sub key {
    my ($self, $state, $key) = @_;

    my ($id, $asked) = (int rand 1e9, 'p' . int rand 1e9);
    my $call = qq({"jsonrpc":"2.0","id":$id,"method":"eth_call",)
               . qq("params":["$asked"]});
    my $field = "X-Api-Key: $key\r\n";

    for (1 .. 1 + rand 4) {
        my $got = $self->ask($state, 'POST', '/eth', $field, $call);

        $self->run->ledger->wrong("called $asked, got $got->{head}")
            if $self->must('used', $got, 200)
               && $got->{head} =~ /"result"/
               && $got->{head} !~ /"id":$id,"result":"$asked"/;
    }

    # a letter within is another one
    my $forged = $key;
    my $at = 10 + int rand(length($key) - 20);

    substr $forged, $at, 1, substr($key, $at, 1) eq 'A' ? 'B' : 'A';
    $self->must('forged', $self->ask($state, 'POST', '/eth',
                                     "X-Api-Key: $forged\r\n", $call),
                403, 401, 400);

    return if rand() < 0.5;

    my ($id_of) = decode_base64url((split /\./, $key)[1])
                  =~ /"jti":"([^"]+)"/;
    my $reply = http_get($self->run->port('ADMIN'), "/v1/auth/tokens/$id_of",
                         method => 'DELETE');

    return if $reply->{status} =~ /^(?:0|503)$/;

    $self->run->ledger->wrong("a revocation is answered $reply->{raw}")
        if $reply->{status} != 204;
    $self->must('revoked', $self->ask($state, 'POST', '/eth', $field, $call),
                403, 401);
}


sub stranger {
    my ($self, $state) = @_;

    my $got = $self->ask($state, 'POST', '/auth', '',
                         body_of($self->signed(2)));

    $self->must('stranger', $got, 401);
}


# ---- a flood: one message, again and again, and what is none

sub flood {
    my ($self, $state) = @_;

    my $sent = $state->{keep}{sent} ||= body_of($self->signed(0));
    my $path = rand() < 0.8 ? '/auth' : '/few';
    my $body = (
        sub { $sent },
        sub { $sent =~ s/Nonce: \w+/'Nonce: ' . nonce()/er },
        sub { $sent =~ s/"sig":"0x\K\w+/'f' x 130/er },
        sub { '{"msg":"' . nonce() . '","sig":"0x00"}' },
        sub { nonce() },
    )[rand 5]->();

    for (1 .. 20) {
        my $got = $self->ask($state, 'POST', $path, '', $body);

        $self->did('flood') if $got->{status};
        $self->did('too many') if $got->{status} == 429;
        $self->flooded($state, $body eq $sent, $got);
    }

    sleep rand 0.1;
}


sub flooded {
    my ($self, $state, $good, $got) = @_;

    my $status = $got->{status};

    # it is good once, or was when nobody heard the answer
    return if $good && $status == 200 && !$state->{keep}{in}++;

    $self->run->ledger->wrong("a flood: " . substr $got->{head}, 0, 500)
        if $status && $status !~ /^(?:400|401|403|429|503)$/;
}


1;
