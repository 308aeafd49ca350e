package Wgw::Rmb;

# A gateway of a private grid: nginx, a Redis, wgw-grid with a chain and a DNS
# of files; and users, who sign what they deploy.
#
#     my $grid = Wgw::Rmb->new();
#     $grid->start();
#     my $id = $grid->node_contract($deployment);     # with its hash
#     my $reply = $grid->call('zos.deployment.get', { contract_id => $id });
#     $reply->{dat}, $reply->{err}
#
# Twins 7341 and 7342 are users, 11 is the gateway's.

use warnings;
use strict;

use Digest::MD5 qw(md5 md5_hex);
use Encode ();
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::IP;
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Grid;
use Wgw::Redis;

our $Json = JSON::PP->new->utf8->canonical->allow_nonref;

# of t/vectors/tf: mini secrets of ed25519 accounts
my %twins = (
    7341 => [ 'fac7959dbfe72f052e5a0c3c8d6530f2'
              . '02b02fd8f9f5ca3580ec8deb7797479e',
              '5DFJF7tY4bpbpcKPJcBTQaKuCDEPCpiz8TRjpmLeTtweqmXL' ],
    7342 => [ '4ed8d4b17698ddeaa1f1559f152f87b5'
              . 'd472f725ca86d341bd0276f1b61197e2',
              '5FM25N8HGtacre9TnWQGRK32d1kUp1Gs6Dd7YiYpSPZLjmj6' ],
    11 => [ '6fa2796b0071cac425d8a7851038318c'
            . '2c37dcebfe4bae73197ce93e75909bd2',
            '5ErKjJLUyc8TTU2vNKrj5UciogZho2MDawb6nN2KG44aU1aB' ],
);

my $conf = <<"EOF";
worker_processes 2;
wgw_names names domain=gw.test address=203.0.113.10 address=203.0.113.11
    address=2001:db8:ffff::10;

wgw_meter_zone names file=usage keys=10000;
wgw_meter_zone hours file=hours keys=10000 window=hour archive=archive;

events { worker_connections 256; }

http {
    access_log off;

    upstream wgw { wgw_backend; }

    $Wgw::Grid::Admin

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names \$wgw_name cap=\$wgw_cap;
        wgw_meter hours \$wgw_name;

        location / {
            proxy_pass \$wgw_scheme://wgw;
            proxy_set_header Host \$host;
            proxy_buffering off;
        }
    }
}
EOF

my $owner = $$;
my @grids;


sub new {
    my ($class, %option) = @_;

    my $self = bless {
        gw => Wgw->new($option{conf} || $conf), options => [ ],
        dir => tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp'),
        contract => 2000,
        chain => { contracts => { },
                   twins => { map { $_ => $twins{$_}[1] } keys %twins } },
        dns => { },
    }, $class;

    $self->{redis_port} = $option{redis_port} || free_port();
    $self->{options} = $option{options} if $option{options};

    spew("$self->{dir}/words", "0x$twins{11}[0]\n");
    chmod 0600, "$self->{dir}/words";

    $self->chain();
    $self->dns();

    push @grids, $self;

    return $self;
}


sub gw { return $_[0]{gw} }
sub dir { return $_[0]{dir} }
sub told { return slurp("$_[0]{dir}/told") }


# All of it: the gateway, Redis and the daemon.

sub start {
    my ($self) = @_;

    $self->{gw}->start() if !$self->{gw}->pid();
    $self->redis_start();
    $self->grid_start();

    return $self;
}


sub redis_start {
    my ($self) = @_;

    if (!$self->{server}) {
        $self->{server} = Wgw::Redis::redis(at => $self->{redis_port});

    } elsif (!$self->{server}->pid()) {
        $self->{server}->start();
    }
}


sub redis_stop {
    my ($self) = @_;

    $self->{server}->stop() if $self->{server};
    delete $self->{redis};
}


sub grid_start {
    my ($self, @more) = @_;

    my $admin = $self->{gw}->port('ADMIN');
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/told";
        open STDERR, '>&', \*STDOUT;

        # a disk that is full: no file may be larger
        $SIG{XFSZ} = 'IGNORE' if $self->{kilobytes};

        my @limit = $self->{kilobytes}
            ? ('sh', '-c', "ulimit -f $self->{kilobytes}" . '; exec "$@"', 'sh')
            : ();

        exec @limit, $Wgw::Grid::Program, '--farm', 5, '--mnemonic-file',
            "$self->{dir}/words", '--chain-file', "$self->{dir}/chain.json",
            '--dns-file', "$self->{dir}/dns.json", '--node', 11, '--domain',
            'gw.test', '--address', '203.0.113.10', '--address',
            '203.0.113.11', '--address', '2001:db8:ffff::10', '--redis',
            "redis://127.0.0.1:$self->{redis_port}", '--admin',
            "http://127.0.0.1:$admin", '--state', "$self->{dir}/state",
            @{$self->{options}}, @more or POSIX::_exit(127);
    }

    return $self->{pid} = $pid;
}


# Ends the daemon by a signal; its exit status.

sub grid_stop {
    my ($self, $signal) = @_;

    my $pid = delete $self->{pid} or return;

    CORE::kill $signal || 'TERM', $pid;

    my $ended = wait_for(sub { waitpid($pid, WNOHANG) == $pid });
    my $status = $?;

    if (!$ended) {
        kill_all($pid);
        return 'never';
    }

    return $status;
}


# ---- the chain and DNS: files that are replaced at once

sub put {
    my ($path, $value) = @_;

    spew("$path.new", $Json->encode($value));
    rename "$path.new", $path or die "$path: $!";
}


sub chain { put("$_[0]{dir}/chain.json", $_[0]{chain}) }

sub dns {
    my ($self, %names) = @_;

    $self->{dns} = { %{$self->{dns}}, %names };
    put("$self->{dir}/dns.json", $self->{dns});
}


# As long as that, the chain cannot be asked.

sub chain_away { rename "$_[0]{dir}/chain.json", "$_[0]{dir}/chain.away" }
sub chain_back { rename "$_[0]{dir}/chain.away", "$_[0]{dir}/chain.json" }


sub contract {
    my ($self, $id, %members) = @_;

    my $c = $self->{chain}{contracts}{$id} ||= {
        contract_id => $id, type => 'node', state => 'Created',
        twin_id => 7341, node_id => 11, deployment_hash => '', name => ''
    };

    @$c{keys %members} = values %members;
    $self->chain();

    return $id;
}


sub name_contract {
    my ($self, $name, %members) = @_;

    return $self->contract($self->{contract}++, type => 'name',
                           node_id => 0, name => $name, %members);
}


# A node contract for this deployment, which gets its number.

sub node_contract {
    my ($self, $d, %members) = @_;

    $d->{contract_id} ||= $self->{contract}++;

    return $self->contract($d->{contract_id}, twin_id => $d->{twin_id},
                           deployment_hash => challenge_hash($d), %members);
}


# ---- users

sub name_workload {
    my ($name, %option) = @_;

    return {
        version => $option{version} || 0, name => $option{workload} || $name,
        type => 'gateway-name-proxy', metadata => $option{metadata} // '',
        description => '', data => {
            name => $name,
            tls_passthrough => $option{passthrough} ? JSON::PP::true
                                                    : JSON::PP::false,
            backends => $option{backends} || [ 'http://[2001:db8::10]:8080' ],
        }
    };
}


sub fqdn_workload {
    my ($fqdn, %option) = @_;

    my $w = name_workload($option{workload} || 'wl', %option);

    $w->{type} = 'gateway-fqdn-proxy';
    delete $w->{data}{name};
    $w->{data}{fqdn} = $fqdn;

    return $w;
}


sub deployment {
    my (@workloads) = @_;

    return {
        version => 0, twin_id => 7341, expiration => 1626394539,
        metadata => '', description => '', workloads => [ @workloads ],
        signature_requirement => {
            requests => [ { twin_id => 7341, required => JSON::PP::false,
                            weight => 1 } ],
            weight_required => 1, signatures => [ ],
        }
    };
}


sub challenge {
    my ($d) = @_;

    my $r = $d->{signature_requirement};
    my $text = join '', @$d{qw(version twin_id metadata description
                               expiration)};

    for my $w (@{$d->{workloads}}) {
        my $data = $w->{data};

        $text .= join '', @$w{qw(version name type metadata description)},
            $data->{name} // $data->{fqdn},
            $data->{tls_passthrough} ? 'true' : 'false',
            ref $data->{backends} ? @{$data->{backends}} : '',
            $data->{network} // '';
    }

    for my $request (@{$r->{requests}}) {
        $text .= join '', $request->{twin_id},
            $request->{required} ? 'true' : 'false', $request->{weight};
    }

    return Encode::encode('UTF-8', $text . $r->{weight_required}
                                   . ($r->{signature_style} // ''));
}


sub challenge_hash { return md5_hex(challenge($_[0])) }


# Signs it by the accounts of these twins, or of its own.

sub sign {
    my ($self, $d, @signers) = @_;

    my $r = $d->{signature_requirement};
    my $bytes = ($r->{signature_style} // '') eq 'polka-wallet'
                ? '<Bytes>' . challenge_hash($d) . '</Bytes>'
                : md5(challenge($d));

    $r->{signatures} = [ map { {
        twin_id => $_, signature_type => 'ed25519',
        signature => unpack 'H*', $self->ed25519($_, $bytes),
    } } @signers ? @signers : $d->{twin_id} ];

    return $d;
}


sub ed25519 {
    my ($self, $twin, $bytes) = @_;

    my $key = "$self->{dir}/key.$twin";

    if (!-e $key) {
        spew($key, pack 'H*', '302e020100300506032b657004220420'
                              . $twins{$twin}[0]);
    }

    spew("$self->{dir}/bytes.$$", $bytes);

    my $signature = `openssl pkeyutl -sign -rawin -keyform DER -inkey $key \\
                     -in $self->{dir}/bytes.$$`;

    die 'openssl does not sign' if length $signature != 64;

    return $signature;
}


# A contract for it, and sent: the reply.

sub deploy {
    my ($self, $d, %option) = @_;

    $self->node_contract($d) if !$option{contract};
    $self->sign($d, @{$option{signers} || [ ]});

    return $self->call($option{update} ? 'zos.deployment.update'
                                       : 'zos.deployment.deploy', $d,
                       twin => $d->{twin_id});
}


# The deployment, when all of its workloads are what is waited for.

sub settled {
    my ($self, $id, $state, %option) = @_;

    my $d;

    wait_for(sub {
        $d = $self->call('zos.deployment.get', { contract_id => $id },
                         %option)->{dat};

        return $d && !grep { $_->{result}{state} ne $state }
                     @{$d->{workloads}};
    }, $option{seconds} || 10);

    return $d;
}


sub result {
    my ($self, $id, $state, %option) = @_;

    my $d = $self->settled($id, $state, %option);

    return $d ? $d->{workloads}[$option{n} || 0]{result} : { state => 'none' };
}


# ---- RMB, as a peer speaks it

sub envelope {
    my ($self, $cmd, $payload, %option) = @_;

    my $twin = $option{twin} || 7341;
    my $bytes = !defined $payload ? '' : ref $payload
                ? $Json->encode($payload) : $payload;

    return {
        ver => 1, ref => $option{ref} || join('-', $$, ++$self->{calls}, rand),
        src => $option{src} || "$twin", cmd => $cmd,
        exp => $option{exp} // 20,
        dat => $option{dat} // encode_base64($bytes, ''), tag => undef,
        ret => $option{ret} || 'msgbus.system.reply',
        shm => 'application/json', now => $option{now} // int(time),
    };
}


sub push_request {
    my ($self, $envelope, $list) = @_;

    return $self->redis('LPUSH', $list || "msgbus.$envelope->{cmd}",
                        ref $envelope ? $Json->encode($envelope) : $envelope);
}


# {dat, err, reply}; undef without a reply within `seconds`.

sub call {
    my ($self, $cmd, $payload, %option) = @_;

    my $ret = join '.', 't', $$, ++$self->{calls};
    my $envelope = $self->envelope($cmd, $payload, %option, ret => $ret);

    $self->push_request($envelope, $option{list});

    my $popped = $self->redis('BRPOP', $ret, $option{seconds} || 20);

    return if !$popped;

    my $reply = $Json->decode($popped->[1]);

    return {
        reply => $reply, envelope => $envelope,
        dat => $reply->{err} ? undef
               : $Json->decode(decode_base64($reply->{dat})),
        bytes => decode_base64($reply->{dat}),
        err => $reply->{err} && $reply->{err}{message},
    };
}


sub redis {
    my ($self, @words) = @_;

    my $c = $self->{redis} ||= {
        socket => connect_to($self->{redis_port}), buffer => '', owner => $$
    };

    if ($c->{owner} != $$) {
        delete $self->{redis};
        return $self->redis(@words);
    }

    if (!$c->{socket}) {
        delete $self->{redis};
        die 'no redis';
    }

    my $bytes = '*' . @words . "\r\n"
                . join '', map { '$' . length($_) . "\r\n$_\r\n" } @words;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $c->{socket}, $bytes;
        die "redis: $!" if !$n;
        substr $bytes, 0, $n, '';
    }

    return resp($c);
}


sub resp_line {
    my ($c) = @_;

    while ($c->{buffer} !~ /\r\n/) {
        sysread $c->{socket}, $c->{buffer}, 65536, length $c->{buffer}
            or die 'redis is away';
    }

    $c->{buffer} =~ s/^(.*?)\r\n//s;

    return $1;
}


sub resp {
    my ($c) = @_;

    my ($kind, $rest) = resp_line($c) =~ /^(.)(.*)$/s;

    return $rest if $kind eq '+' || $kind eq ':';
    die "redis: $rest" if $kind eq '-';
    return if $rest < 0;
    return [ map { resp($c) } 1 .. $rest ] if $kind eq '*';

    while (length $c->{buffer} < $rest + 2) {
        sysread $c->{socket}, $c->{buffer}, 65536, length $c->{buffer}
            or die 'redis is away';
    }

    my $bytes = substr $c->{buffer}, 0, $rest, '';
    substr $c->{buffer}, 0, 2, '';

    return $bytes;
}


# A server at an address of this machine that is not loopback's, which wgw-grid
# refuses; without one, `address` is empty.  Says WORD and the Host; of
# /slow it says that in two parts, the second one when the file FINISH is there.

sub backend {
    my ($word, $finish) = @_;

    my $port = free_port();
    my $probe = IO::Socket::IP->new(PeerHost => '192.0.2.1', PeerPort => 9,
                                    Type => IO::Socket::SOCK_DGRAM());
    my $address = $probe ? $probe->sockhost() : '';

    $address = '' if $address =~ /^127\./;

    my $listen = IO::Socket::IP->new(LocalHost => '0.0.0.0', Listen => 64,
                                     LocalPort => $port, ReuseAddr => 1)
        or die "no port: $!";

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open $_, '>', '/dev/null' for \*STDOUT, \*STDERR;

        my $select = IO::Select->new($listen);
        my $parent = getppid;

        while (getppid == $parent) {
            my $client = $select->can_read(0.5) && $listen->accept() or next;

            if (!fork) {
                answer($client, $word, $finish);
                POSIX::_exit(0);
            }

            close $client;
            1 while waitpid(-1, WNOHANG) > 0;
        }

        POSIX::_exit(0);
    }

    return { pid => $pid, address => $address,
             url => 'http://' . ($address || '192.0.2.3') . ":$port" };
}


sub answer {
    my ($client, $word, $finish) = @_;

    my $head = '';

    while ($head !~ /\r\n\r\n/) {
        sysread $client, $head, 4096, length $head or return;
    }

    my ($host) = $head =~ /^Host: *(\S+)/mi;
    my $body = "$word " . ($host // '') . "\n";

    syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: "
        . (length($body) + ($head =~ m{^GET /slow} ? 4 : 0))
        . "\r\nConnection: close\r\n\r\n$body";

    if ($head =~ m{^GET /slow}) {
        wait_for(sub { -e $finish }, 30);
        syswrite $client, 'end.';
    }

    close $client;
}


# ---- the gateway's side

sub record {
    my ($self, $name) = @_;

    my $reply = http_get($self->{gw}->port('ADMIN'), "/v1/names/$name");

    return $reply->{status} == 200 ? json($reply->{body}) : undef;
}


# Ends all that runs.

sub stop {
    my ($self) = @_;

    my $status = $self->grid_stop();

    Test::More::is($status, 0, 'wgw-grid ends');
    Test::More::unlike($self->told(), qr/Sanitizer|runtime error:/,
                       'no sanitizer line');
    $self->redis_stop();
    $self->{gw}->stop();
}


END {
    my $status = $?;

    for my $grid ($$ == $owner ? @grids : ()) {
        if ($grid->{pid}) {
            kill_all(delete $grid->{pid});
            $status ||= 1;
        }

        system 'rm', '-rf', $grid->{dir} if !$ENV{WGW_TEST_LEAVE};
    }

    $? = $status;
}


1;
