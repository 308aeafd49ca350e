package Wgw::Router;

# For tests of the router: providers that misbehave (t/clients/provider.mjs).
#
#     mock('start', name => 'one', port => $gw->port('ONE'));
#     mock('set', name => 'one', node => { status => 500 });
#     my $reply = call($gw, '/eth');
#     is(who($reply), 'one', 'it answered');
#     my $seen = mock('seen', name => 'one');     # signins, calls, checks

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(mock call who providers_of $Key $Address);

use Wgw;
use Wgw::Node;

# a development key, and its address
our $Key = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
our $Address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

my $node;


sub mock {
    my ($op, %arguments) = @_;

    $node ||= Wgw::Node->new('provider.mjs');

    return $node->call($op, %arguments);
}


# call(GATEWAY, PATH [, BODY, OPTIONS]): a JSON-RPC request

sub call {
    my ($gw, $path, $body, %option) = @_;

    my $reply = http_get(
        $gw->port('HTTP'), $path, method => 'POST',
        body => $body
            // '{"jsonrpc":"2.0","id":7,"method":"eth_call","params":[]}',
        %option, headers => "Content-Type: application/json\r\n"
                            . ($option{headers} // ''),
    );

    my $text = Wgw::dechunk($reply);
    $reply->{json} = $text =~ /^[\[{]/ ? json($text) : { };

    return $reply;
}


# Who answered: mocks say their names.

sub who {
    my ($reply) = @_;

    return $reply->{status} == 200 && ref $reply->{json} eq 'HASH'
           ? $reply->{json}{result} // 'none' : "status $reply->{status}";
}


# What the gateway's wgw_router_api says, by name.

sub providers_of {
    my ($gw, $path) = @_;

    my $reply = http_get($gw->port('HTTP'), $path || '/providers');
    my $json = json(Wgw::dechunk($reply)) || { providers => [ ] };

    return { map { $_->{name} => $_ } @{$json->{providers}} };
}


1;
