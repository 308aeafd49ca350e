package Wgw::Chaos::Router;

# A DIN router in front of a provider who wants a sign-in, which is this
# gateway's own, of one who answers anything, of one who is there by turns, and
# of a good one, the last choice.  No call is lost while the router is there,
# and each has the answer to what it asked.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Chaos::Signin;


sub needs { return ('signin') }


sub http { return <<'EOF' }
    wgw_providers eth {
        signer router.key;
        provider http://127.0.0.1:%%SIGNIN%%/eth name=own
                 auth=http://127.0.0.1:%%SIGNIN%%/auth;
        provider http://127.0.0.1:%%BAD%%/ name=bad auth=off;
        provider http://127.0.0.1:%%GONE%%/ name=gone auth=off;
        provider http://127.0.0.1:%%WELL%%/ name=well auth=off priority=1;
        check eth_blockNumber interval=1s timeout=2s;
        attempts 6 timeout=20s each=1s;
    }

    server {
        listen 127.0.0.1:%%ROUTER%%;
        wgw_meter names $arg_k;
        location = /eth {
            wgw_router eth;
            proxy_read_timeout 3s;
            proxy_pass $wgw_provider;
            add_header X-Provider $wgw_provider_name;
        }
    }
EOF


sub before {
    my ($self) = @_;

    my $path = $self->run->dir() . '/router.key';

    spew($path, "$Wgw::Chaos::Signin::Wallets[0][1]\n");
    chmod 0600, $path;
}


sub does { return ('answered', 'by own', 'by gone', 'by well') }


sub clients {
    my ($self) = @_;

    return map { ("router-$_" => sub { $self->call(@_) }) } 1, 2;
}


sub call {
    my ($self, $state) = @_;

    my ($id, $asked) = (int rand 1e9, 'p' . int rand 1e9);
    my $key = "$state->{name}-" . int time;
    my $body = qq({"jsonrpc":"2.0","id":$id,"method":"eth_call",)
               . qq("params":["$asked"]});
    my $text = "POST /eth?k=$key HTTP/1.1\r\nHost: a\r\nContent-Type: "
               . "application/json\r\nContent-Length: " . length($body)
               . "\r\n\r\n$body";

    my $got = $self->ask_on($state, 'ROUTER', "names $key",
                            length($text) + 200_000, $text);

    $self->see($got, qr/"id":$id,"result":"$asked"/);
    sleep rand 0.02;
}


sub see {
    my ($self, $got, $answer) = @_;

    my $status = $got->{status} or return;
    my $by = $got->{headers}{'x-provider'} // 'nobody';

    if ($status != 200) {
        $self->did('lost');
        $self->run->ledger->wrong("a call is lost: $got->{head}");
        return;
    }

    $self->did('answered');
    $self->did("by $by");

    # who answers anything says so in its own way
    $self->run->ledger->wrong("answered by $by: $got->{head}")
        if $got->{ok} && $by ne 'bad' && $got->{head} =~ /\r\n\r\n./s
           && $got->{head} !~ $answer;
}


sub allowed {
    return qr/ \[(?:warn|error)\] .*provider/,
        qr/ \[error\] .* on an errand to /;
}


1;
