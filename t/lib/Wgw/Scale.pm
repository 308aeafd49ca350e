package Wgw::Scale;

# SCALE, and metadata of version 14 of a chain as tfchain is, as far as
# wgw-grid asks for it, so that tests have a chain of their own.
#
#     my $metadata = metadata(index => 26, spare => 1);
#
# `index` is that of SmartContractModule; with `spare` values have fields that
# nobody knows, and with `other` the arguments of reports are others.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(compact vector text option u8 u32 u64 u128 metadata);


sub u8 { return pack 'C', $_[0] }
sub u32 { return pack 'V', $_[0] }
sub u64 { return pack 'Q<', $_[0] }
sub u128 { return pack 'Q<Q<', $_[0], 0 }


sub compact {
    my ($n) = @_;

    return pack 'C', $n << 2 if $n < 1 << 6;
    return pack 'v', $n << 2 | 1 if $n < 1 << 14;
    return pack 'V', $n << 2 | 2 if $n < 1 << 30;

    my $bytes = pack('Q<', $n) =~ s/\0+$//r;

    $bytes .= "\0" while length $bytes < 4;

    return pack('C', (length($bytes) - 4) << 2 | 3) . $bytes;
}


sub vector { return compact(scalar @_) . join '', @_ }
sub text { return compact(length $_[0]) . $_[0] }
sub option { return defined $_[0] ? "\1$_[0]" : "\0" }


# ---- types

my (@types, %primitives, $option);


# A path may have parameters: [PATH, NAME => TYPE ...]

sub type {
    my ($definition, $path) = @_;

    my ($name, @parameters) = ref $path ? @$path : $path // '';
    my @named;

    while (my ($parameter, $type) = splice @parameters, 0, 2) {
        push @named, text($parameter) . option(compact($type));
    }

    push @types, vector(map { text($_) } split /::/, $name) . vector(@named)
        . $definition . vector();

    return $#types;
}


sub primitive {
    my ($name) = @_;

    my @names = qw(bool char str u8 u16 u32 u64 u128);
    my ($i) = grep { $names[$_] eq $name } 0 .. $#names;

    return $primitives{$name} //= type("\5" . u8($i));
}


# NAME => TYPE ...; a name of "" is none

sub fields {
    my @fields;

    while (my ($name, $type) = splice @_, 0, 2) {
        push @fields, option($name eq '' ? undef : text($name))
            . compact($type) . option() . vector();
    }

    return vector(@fields);
}


sub composite { my $path = shift; return type("\0" . fields(@_), $path) }
sub sequence { return type("\2" . compact($_[0])) }
sub array { return type("\3" . u32($_[1]) . compact($_[0])) }
sub tuple { return type("\4" . vector(map { compact($_) } @_)) }
sub compacted { return type("\6" . compact($_[0])) }


# [NAME, [FIELDS], INDEX] ...

sub variant {
    my ($path, @variants) = @_;

    my @all;

    for my $i (0 .. $#variants) {
        my ($name, $fields, $index) = @{$variants[$i]};

        push @all, text($name) . fields(@{$fields || []}) . u8($index // $i)
            . vector();
    }

    return type("\1" . vector(@all), $path);
}


sub maybe {
    my ($type) = @_;

    return variant('Option', ['None'], ['Some', ['' => $type]]);
}


# ---- the document

sub entry {
    my ($name, $key, $value) = @_;

    return text($name) . "\0"
        . (defined $key ? "\1" . vector("\2") . compact($key) : "\0")
        . compact($value) . text('') . vector();
}


sub pallet {
    my ($name, $index, $calls, @entries) = @_;

    return text($name)
        . option(@entries ? text($name) . vector(@entries) : undef)
        . option(defined $calls ? compact($calls) : undef) . option()
        . vector() . option() . u8($index);
}


sub metadata {
    my (%how) = @_;

    @types = ();
    %primitives = ();

    my ($u8, $u32, $u64, $u128, $bool) = map { primitive($_) }
        qw(u8 u32 u64 u128 bool);
    my $bytes = sequence($u8);
    my $hash = array($u8, 32);
    my $bounded = composite('BoundedVec', '' => $bytes);
    my $unit = tuple();
    my $account = composite('sp_core::crypto::AccountId32', '' => $hash);
    my @spare = $how{spare} ? (spare => sequence(tuple($u32, $bytes))) : ();

    my %t = (u8 => $u8, u32 => $u32, u64 => $u64, u128 => $u128,
             bool => $bool, bytes => $bytes, hash => $hash, unit => $unit,
             bounded => $bounded, account => $account, spare => \@spare);

    my %calls = calls(\%t, %how);

    my @pallets = (
        pallet('System', 0, undef, entry('Account', $account, system_account(\%t))),
        pallet('Timestamp', 3, undef, entry('Now', undef, $u64)),
        pallet('TfgridModule', 25, $calls{TfgridModule}, grid(\%t)),
        pallet('SmartContractModule', $how{index} // 26,
               $calls{SmartContractModule}, contracts(\%t)),
    );

    my $extrinsic = extrinsic(\%t, \%calls, %how);
    my $runtime = composite('tfchain_runtime::Runtime');

    return 'meta' . "\x0e" . vector(map { compact($_) . $types[$_] } 0 .. $#types)
        . vector(@pallets) . $extrinsic . compact($runtime);
}


sub system_account {
    my ($t) = @_;

    my $data = composite('pallet_balances::AccountData', free => $t->{u128},
                         reserved => $t->{u128}, frozen => $t->{u128});

    return composite('frame_system::AccountInfo', nonce => $t->{u32},
                     consumers => $t->{u32}, providers => $t->{u32},
                     sufficients => $t->{u32}, data => $data);
}


sub grid {
    my ($t) = @_;

    my $ip = composite('IP', ip => $t->{bounded}, gw => $t->{bounded});
    my $config = composite('PublicConfig', ip4 => $ip, ip6 => maybe($ip),
                           domain => maybe($t->{bounded}));
    my $resources = composite('Resources', map { $_ => $t->{u64} }
                              qw(hru sru cru mru));

    my $node = composite('Node', @{$t->{spare}}, version => $t->{u32},
        id => $t->{u32}, farm_id => $t->{u32}, twin_id => $t->{u32},
        resources => $resources, public_config => maybe($config),
        created => $t->{u64});
    my $twin = composite('Twin', @{$t->{spare}}, id => $t->{u32},
        account_id => $t->{account}, relay => maybe($t->{bounded}),
        entities => sequence(tuple($t->{u32}, $t->{bytes})),
        pk => maybe($t->{bounded}));
    my $farm = composite('Farm', version => $t->{u32}, id => $t->{u32},
        name => $t->{bounded}, twin_id => $t->{u32},
        pricing_policy_id => $t->{u32});

    return (entry('Twins', $t->{u32}, $twin),
            entry('TwinIdByAccountID', $t->{account}, $t->{u32}),
            entry('Farms', $t->{u32}, $farm),
            entry('Nodes', $t->{u32}, $node),
            entry('NodeIdByTwinID', $t->{u32}, $t->{u32}));
}


sub contracts {
    my ($t) = @_;

    my $u64 = $t->{u64};
    my $cause = variant('Cause', ['CanceledByUser'], ['OutOfFunds']);
    my $state = variant('ContractState', ['Created'],
                        ['Deleted', ['' => $cause]],
                        ['GracePeriod', ['' => $u64]]);
    my $ip = composite('PublicIP', ip => $t->{bounded},
                       gateway => $t->{bounded}, contract_id => $u64);
    my $node = composite('NodeContract', node_id => $t->{u32},
        deployment_hash => $t->{hash}, deployment_data => $t->{bounded},
        public_ips => $t->{u32},
        public_ips_list => composite('BoundedVec', '' => sequence($ip)));
    my $name = composite('NameContract', name => $t->{bounded});
    my $rent = composite('RentContract', node_id => $t->{u32});
    my $data = variant('ContractData', ['NodeContract', ['' => $node]],
                       ['NameContract', ['' => $name]],
                       ['RentContract', ['' => $rent]]);

    my $contract = composite('Contract', @{$t->{spare}},
        version => $t->{u32}, state => $state, contract_id => $u64,
        twin_id => $t->{u32}, contract_type => $data,
        solution_provider_id => maybe($u64));
    my $billing = composite('ContractBillingInformation',
        previous_nu_reported => $u64, last_updated => $u64,
        amount_unbilled => $u64);
    my $agreed = variant('ServiceContractState', ['Created'],
                         ['AgreementReady'], ['ApprovedByBoth']);
    my $service = composite('ServiceContract',
        service_contract_id => $u64, service_twin_id => $t->{u32},
        consumer_twin_id => $t->{u32}, base_fee => $u64,
        variable_fee => $u64, metadata => $t->{bounded},
        accepted_by_service => $t->{bool}, accepted_by_consumer => $t->{bool},
        last_bill => $u64, state => $agreed);

    return (entry('Contracts', $u64, $contract),
            entry('ContractIDByNameRegistration', $t->{bounded}, $u64),
            entry('ContractBillingInformationByID', $u64, $billing),
            entry('ServiceContracts', $u64, $service));
}


sub calls {
    my ($t, %how) = @_;

    my $u64 = $t->{u64};
    my $report = composite('NruConsumption', contract_id => $u64,
        ($how{other} ? (window => $u64, timestamp => $u64)
                     : (timestamp => $u64, window => $u64)), nru => $u64);
    my $ip = composite('IP', ip => $t->{bounded}, gw => $t->{bounded});
    my $config = composite('PublicConfig', ip4 => $ip, ip6 => maybe($ip),
                           domain => maybe($t->{bounded}));
    my $resources = composite('Resources', map { $_ => $u64 }
                              qw(hru sru cru mru));
    my $location = composite('LocationInput', map { $_ => $t->{bounded} }
                             qw(city country latitude longitude));
    my $interface = composite('Interface', name => $t->{bounded},
        mac => $t->{bounded}, ips => sequence($t->{bounded}));

    return (
        SmartContractModule => variant('pallet_smart_contract::pallet::Call',
            ['add_nru_reports', [reports => sequence($report)], 5],
            ['service_contract_bill',
             [service_contract_id => $u64, variable_amount => $u64,
              metadata => $t->{bytes}], 17]),
        TfgridModule => variant('pallet_tfgrid::pallet::Call',
            ['create_node',
             [farm_id => $t->{u32}, resources => $resources,
              location => $location, interfaces => sequence($interface),
              secure_boot => $t->{bool}, virtualized => $t->{bool},
              serial_number => maybe($t->{bounded})], 8],
            ['add_node_public_config',
             [farm_id => $t->{u32}, node_id => $t->{u32},
              public_config => maybe($config)], 12],
            ($how{no_uptime} ? ()
                : ['report_uptime_v2',
                   [uptime => $u64, timestamp_hint => $u64], 38])),
    );
}


# As tfchain signs it, and with `extension` one that nobody knows.

sub extrinsic {
    my ($t, $calls, %how) = @_;

    my $signature = variant('sp_runtime::MultiSignature', map {
        [$_->[0], ['' => array($t->{u8}, $_->[1])]]
    } ['Ed25519', 64], ['Sr25519', 64], ['Ecdsa', 65]);
    my $address = variant(['sp_runtime::multiaddress::MultiAddress',
                           AccountId => $t->{account},
                           AccountIndex => $t->{unit}],
        ['Id', ['' => $t->{account}]],
        ['Index', ['' => compacted($t->{unit})]],
        ['Raw', ['' => $t->{bytes}]],
        ['Address32', ['' => $t->{hash}]],
        ['Address20', ['' => array($t->{u8}, 20)]]);
    my $call = variant('tfchain_runtime::RuntimeCall',
        ['TfgridModule', ['' => $calls->{TfgridModule}], 25],
        ['SmartContractModule', ['' => $calls->{SmartContractModule}],
         $how{index} // 26]);
    my $era = variant('sp_runtime::generic::era::Era', ['Immortal'],
        map { ["Mortal$_", ['' => $t->{u8}]] } 1 .. 255);
    my $none = composite('Nothing');
    my $nonce = composite('CheckNonce', '' => compacted($t->{u32}));
    my $tip = composite('ChargeTransactionPayment',
                        '' => compacted($t->{u128}));

    my @extensions = (
        ['CheckNonZeroSender', $none, $t->{unit}],
        ['CheckSpecVersion', $none, $t->{u32}],
        ['CheckTxVersion', $none, $t->{u32}],
        ['CheckGenesis', $none, $t->{hash}],
        ['CheckMortality', $era, $t->{hash}],
        ['CheckNonce', $nonce, $t->{unit}],
        ['CheckWeight', $none, $t->{unit}],
        ['ChargeTransactionPayment', $tip, $t->{unit}],
        ($how{extension} ? ['CheckMoon', $t->{u8}, $t->{unit}] : ()),
    );

    my $type = type("\0" . fields('' => $t->{bytes}),
        ['sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic',
         Address => $address, Call => $call, Signature => $signature,
         Extra => $none]);

    return compact($type) . u8(4)
        . vector(map { text($_->[0]) . compact($_->[1]) . compact($_->[2]) }
                 @extensions);
}


1;
