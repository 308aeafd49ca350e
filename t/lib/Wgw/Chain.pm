package Wgw::Chain;

# A chain for tests: the JSON-RPC of a node of tfchain, as far as wgw-grid asks
# for it, in a process of its own.
#
#     my $chain = Wgw::Chain->new();          # listens: $chain->url()
#     $chain->twin(11, $key); $chain->farm(5, 11);
#     $chain->node(11, 5, 11, domain => 'gw.test', ip4 => '203.0.113.10/24');
#     $chain->contract(1234, 7341, node => 11, hash => 'ab' x 16);
#     $chain->contract(99, 7341, name => 'mysite');
#     $chain->stop(); $chain->start();        # is it away?
#
# What is sent is in the best block at once and in the final one when that is
# asked for after that; or, with set(hold => 1), only after set(hold => 0).  Signatures are not looked at: sent() has the bytes, for who
# can.  Keys of storage are taken by what is behind their hash; asked() has
# them whole.

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();

use Wgw;
use Wgw::Scale;


our $Genesis = 'ab' x 32;

my $owner = $$;
my $coder = JSON::PP->new->canonical->allow_nonref;
my @chains;


sub new {
    my ($class, %how) = @_;

    my $vectors = json(slurp('t/vectors/tf/chain.json'));
    my %prefixes = map { substr($vectors->{prefixes}{$_}, 2) => $_ =~ s/.*\.//r }
        keys %{$vectors->{prefixes}};

    my $self = bless {
        port => free_port(), prefixes => \%prefixes, best => {}, final => {},
        set => { spec => 149, %how }, sent => [], asked => {}, billed => [],
        bills => [], tick => 0, ups => [], uptimes => [],
    }, $class;

    push @chains, $self;
    $self->start();

    return $self;
}


sub url { return "http://127.0.0.1:$_[0]{port}" }


sub start {
    my ($self) = @_;

    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 64,
        ReuseAddr => 1
    ) or die "listen: $!";

    # what it knows comes back when it is stopped
    $self->{pid} = fork // die "fork: $!";

    if ($self->{pid} == 0) {
        $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);

        $SIG{PIPE} = 'IGNORE';         # who asks may be killed

        # what others wait for the end of is not held open here; perl counts
        # these numbers as used, so sockets are shut down
        POSIX::close($_) for grep { $_ != fileno $listen } 3 .. 255;

        $self->serve($listen);
        POSIX::_exit(0);
    }

    close $listen;

    return;
}


sub stop {
    my ($self) = @_;

    my $all = $self->ask('test_all');

    @$self{keys %$all} = values %$all;

    $self->kill();

    return;
}


sub kill {
    my ($self) = @_;

    CORE::kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;

    return;
}


END {
    my $status = $?;

    if ($$ == $owner) {
        for my $chain (@chains) {
            CORE::kill 'KILL', $chain->{pid};
            waitpid $chain->{pid}, 0;
        }
    }

    $? = $status;
}


# ---- what tests say and ask

sub ask {
    my ($self, $method, @params) = @_;

    my $body = $coder->encode({ id => 1, method => $method,
                                params => \@params });
    my $reply = http_request($self->{port},
        "POST / HTTP/1.1\r\nHost: chain\r\nConnection: close\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body");

    return $coder->decode($reply->{body})->{result};
}


sub set { my ($self, %values) = @_; return $self->ask('test_set', \%values) }
sub sent { return $_[0]->ask('test_all')->{sent} }
sub billed { return $_[0]->ask('test_all')->{billed} }
sub bills { return $_[0]->ask('test_all')->{bills} }
sub ups { return $_[0]->ask('test_all')->{ups} }
sub uptimes { return $_[0]->ask('test_all')->{uptimes} }
sub asked { return $_[0]->ask('test_all')->{asked} }


# A value, undef for none, in the best and the final state.

sub put {
    my ($self, $item, $part, $value) = @_;

    return $self->ask('test_put', $item, unpack('H*', $part),
                      defined $value ? unpack('H*', $value) : undef);
}


sub value {
    my ($self, $item, $part) = @_;

    my $hex = $self->ask('test_all')->{best}{$item}{unpack 'H*', $part};

    return defined $hex ? pack('H*', $hex) : undef;
}


sub spare { return $_[0]{set}{spare} ? vector(u32(7) . text('x')) : '' }


sub account {
    my ($self, $key, $nonce, $free) = @_;

    return $self->put('Account', $key, u32($nonce) . u32(0) . u32(1) . u32(0)
                      . u128($free) . u128(0) . u128(0));
}


sub twin {
    my ($self, $id, $key) = @_;

    $self->put('TwinIdByAccountID', $key, u32($id));
    $self->account($key, 0, 10_000_000_000);

    return $self->put('Twins', u32($id), $self->spare() . u32($id) . $key
                      . option(text('relay.test')) . vector(u32(1) . text('s'))
                      . option());
}


sub farm {
    my ($self, $id, $twin) = @_;

    return $self->put('Farms', u32($id), u32(4) . u32($id) . text('farm')
                      . u32($twin) . u32(1));
}


sub node {
    my ($self, $id, $farm, $twin, %config) = @_;

    my $config;

    if ($config{ip4}) {
        my ($ip4, $ip6) = map {
            $_ ? text($_) . text('192.0.2.1') : undef
        } @config{qw(ip4 ip6)};

        $config = $ip4 . option($ip6)
            . option($config{domain} ? text($config{domain}) : undef);
    }

    $self->put('NodeIdByTwinID', u32($twin), u32($id));

    return $self->put('Nodes', u32($id), $self->spare() . u32(4) . u32($id)
        . u32($farm) . u32($twin) . u64(0) x 4 . option($config) . u64(1));
}


# A state is 'Created', 'Deleted' or 'GracePeriod'.

sub contract {
    my ($self, $id, $twin, %how) = @_;

    my %states = (Created => "\0", Deleted => "\1\0",
                  GracePeriod => "\2" . u64(987654));
    my $type = $how{name} ? "\1" . text($how{name})
             : "\0" . u32($how{node}) . ($how{hash} // '0' x 32)
               . text($how{data} // '') . u32(0) . vector();

    $self->put('ContractIDByNameRegistration', text($how{name}), u64($id))
        if $how{name};
    $self->put('ContractBillingInformationByID', u64($id),
               u64(0) . u64($how{since} // 0) . u64(0)) if $how{node};

    return $self->put('Contracts', u64($id), $self->spare() . u32(4)
        . $states{$how{state} // 'Created'} . u64($id) . u32($twin) . $type
        . option());
}


sub service {
    my ($self, $id, $service, $consumer, %how) = @_;

    return $self->put('ServiceContracts', u64($id), u64($id) . u32($service)
        . u32($consumer) . u64($how{base} // 0) . u64($how{variable} // 0)
        . text('gateway') . u8(1) . u8(1) . u64($how{last} // 0)
        . u8($how{state} // 2));
}


# ---- the node

sub serve {
    my ($self, $listen) = @_;

    my $select = IO::Select->new($listen);
    my %read;

    while (1) {
        for my $socket ($select->can_read()) {

            if ($socket == $listen) {
                $select->add($listen->accept() // next);
                next;
            }

            my $n = sysread $socket, $read{$socket}, 65536,
                length($read{$socket} // '');

            if (!$n) {
                $select->remove($socket);
                delete $read{$socket};
                shutdown $socket, 2;
                close $socket;
                next;
            }

            while (($read{$socket} // '') =~ /^.*?\r\n\r\n/s) {
                my ($head, $rest) = ($&, $');
                my ($length) = $head =~ /^Content-Length: *(\d+)/im;

                last if length $rest < ($length // 0);

                $read{$socket} = substr $rest, $length // 0;
                $self->reply($socket, substr $rest, 0, $length // 0);

                if ($head =~ /^Connection: *close/im) {
                    $select->remove($socket);
                    delete $read{$socket};
                    shutdown $socket, 2;
                    close $socket;
                    last;
                }
            }
        }
    }

    return;
}


sub reply {
    my ($self, $socket, $body) = @_;

    my $call = eval { $coder->decode($body) } // {};
    my ($result, $code, $message) = $self->answer($call);

    if (defined $self->{set}{junk} && $call->{method} !~ /^test_/) {
        $body = $self->{set}{junk};

    } elsif (defined $code) {
        $body = $coder->encode({ jsonrpc => '2.0', id => $call->{id},
            error => { code => $code, message => $message } });

    } else {
        $body = $coder->encode({ jsonrpc => '2.0', id => $call->{id},
                                 result => $result });
    }

    print $socket "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $socket->flush();

    return;
}


sub answer {
    my ($self, $call) = @_;

    my ($method, @params) = ($call->{method} // '', @{$call->{params} // []});

    my %methods = (
        test_all => sub { return { map { $_ => $self->{$_} }
            qw(best final sent asked billed bills ups uptimes set) } },
        test_set => sub { return { %{$self->{set}} = (%{$self->{set}},
                                                      %{$params[0]}) } },
        test_put => sub {
            my ($item, $part, $value) = @params;

            for my $state (@$self{qw(best final)}) {
                $state->{$item}{$part} = $value;
                delete $state->{$item}{$part} if !defined $value;
            }

            return 1;
        },
        state_getRuntimeVersion => sub {
            return { specVersion => $self->{set}{spec},
                     transactionVersion => 2 };
        },
        chain_getBlockHash => sub { return "0x$Genesis" },
        state_getMetadata => sub {
            return '0x' . unpack 'H*', metadata(%{$self->{set}});
        },
        chain_getFinalizedHead => sub { return $self->final() },
        state_getStorage => sub { return $self->get(@params) },
        state_getKeysPaged => sub { return $self->keys_of($params[0]) },
        author_submitExtrinsic => sub { return $self->submit($params[0]) },
    );

    return (undef, -32601, 'Method not found') if !$methods{$method};

    return $methods{$method}->();
}


# A block's hash has its number behind it; there are two only.

sub final {
    my ($self) = @_;

    if ($self->{tick} && !$self->{set}{hold} && --$self->{tick} == 0) {
        $self->{final} = $coder->decode($coder->encode($self->{best}));
    }

    return '0x' . 'f' x 64;
}


sub get {
    my ($self, $key, $block) = @_;

    my $prefix = substr $key, 2, 64;

    # Timestamp.Now, milliseconds
    return '0x' . unpack 'H*', u64(1000 * (time + ($self->{set}{ahead} // 0)))
        if $prefix eq 'f0c365c3cf59d671eb72da0e7a4113c4'
                      . '9f1f0515f462cdcf84e0f1d6045dfcbb';

    my $item = $self->{prefixes}{$prefix} // return undef;

    $self->{asked}{$key} = 1;

    return $self->{set}{lies} if defined $self->{set}{lies};

    my $value = ($block ? $self->{final} : $self->{best})->{$item}
        {substr $key, 2 + 64 + 32};

    return defined $value ? "0x$value" : undef;
}


sub keys_of {
    my ($self, $prefix) = @_;

    my $item = $self->{prefixes}{substr $prefix, 2, 64} // return [];

    return [map { $prefix . '00' x 16 . $_ }
            sort keys %{$self->{best}{$item} || {}}];
}


# 1010: what a pool says of an old nonce, as nodes do

sub submit {
    my ($self, $hex) = @_;

    return (undef, $self->{set}{refuse}, 'refused by the test')
        if $self->{set}{refuse};

    my $bytes = pack 'H*', substr $hex, 2;
    my ($first) = unpack 'C', $bytes;
    my $skip = ($first & 3) == 0 ? 1 : ($first & 3) == 1 ? 2 : 4;

    my (undef, $head, $to, $key, $kind, $signature, $era, $nonce, $tip, $call)
        = unpack "a$skip C C a32 C a64 C C C a*", $bytes;

    # nonces of these tests are small: one byte
    $nonce >>= 2;

    my $account = pack 'H*', $self->{best}{Account}{unpack 'H*', $key} // '';
    my $have = length $account ? unpack('V', $account) : 0;

    # that it is up is of no interest to most
    my ($pallet, $index) = unpack 'C C', $call;
    my $up = $pallet == 25 && $index == 38;

    push @{$self->{$up ? 'ups' : 'sent'}}, $hex;

    return (undef, 1010, 'Invalid Transaction: stale') if $nonce < $have;
    return '0x' . 'e' x 64 if $nonce > $have || $self->{set}{drop};

    $self->{best}{Account}{unpack 'H*', $key} =
        unpack 'H*', u32($have + 1) . substr $account, 4;
    $self->{tick} = 1;

    $self->apply($key, $call) if !$self->{set}{fail};

    return '0x' . 'e' x 64;
}


sub apply {
    my ($self, $key, $call) = @_;

    my ($pallet, $index, $rest) = unpack 'C C a*', $call;

    return $self->grid($key, $index, $rest) if $pallet == 25;
    return if $pallet != ($self->{set}{index} // 26);
    return $self->reports($rest) if $index == 5;
    return $self->bill($rest) if $index == 17;

    return;
}


# TfgridModule: a node, which is 77, and its public configuration.

sub grid {
    my ($self, $key, $index, $rest) = @_;

    if ($index == 38) {
        push @{$self->{uptimes}}, [unpack 'Q<2', $rest];
        return;
    }

    my ($farm, $node) = unpack 'V V', $rest;
    my $twin = $self->{best}{TwinIdByAccountID}{unpack 'H*', $key} // return;
    my $config = $index == 12 ? substr $rest, 8 : "\0";

    ($twin) = unpack 'V', pack 'H*', $twin;
    $node = 77 if $index == 8;

    $self->{best}{NodeIdByTwinID}{unpack 'H*', u32($twin)} =
        unpack 'H*', u32($node);
    $self->{best}{Nodes}{unpack 'H*', u32($node)} = unpack 'H*',
        $self->spare() . u32(4) . u32($node) . u32($farm) . u32($twin)
        . u64(0) x 4 . $config . u64(1);

    return;
}


# As SmartContractModule does it: a time that is not before the last is billed.

sub reports {
    my ($self, $rest) = @_;

    my ($first) = unpack 'C', $rest;
    my $skip = ($first & 3) == 0 ? 1 : 2;
    my @numbers = unpack 'Q<*', substr $rest, $skip;

    while (my ($contract, $time, $window, $bytes) = splice @numbers, 0, 4) {
        my $part = unpack 'H*', u64($contract);
        my $hex = $self->{best}{ContractBillingInformationByID}{$part} // next;
        my ($before, $last, $amount) = unpack 'Q<3', pack 'H*', $hex;

        next if $time < $last;

        push @{$self->{billed}}, [$contract, $time, $window, $bytes];

        $self->{best}{ContractBillingInformationByID}{$part} = unpack 'H*',
            pack 'Q<3', $before, $time, $amount + int $bytes * 15000 / 1e9;
    }

    return;
}


sub bill {
    my ($self, $rest) = @_;

    my ($id, $amount) = unpack 'Q<2', $rest;
    my $part = unpack 'H*', u64($id);
    my $hex = $self->{best}{ServiceContracts}{$part} // return;
    my $contract = pack 'H*', $hex;

    return if $self->{set}{poor};

    push @{$self->{bills}}, [$id, $amount, substr $rest, 17];

    # the last bill's time is before the state's byte, at the end
    substr($contract, -9, 8) = u64(unpack('Q<', substr $contract, -9, 8) + 3600);
    $self->{best}{ServiceContracts}{$part} = unpack 'H*', $contract;

    return;
}


1;
