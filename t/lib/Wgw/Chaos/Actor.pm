package Wgw::Chaos::Actor;

# What every actor of Wgw::Chaos is.

use warnings;
use strict;

use Wgw::Chaos::Client;


sub new {
    my ($class, $run, $name) = @_;

    return bless { run => $run, name => $name }, $class;
}


sub run { return $_[0]{run} }
sub name { return $_[0]{name} }


# Parts of the configuration: on top, in http, in the server of the
# administration, and in stream.

sub main { return '' }
sub http { return '' }
sub admin { return '' }
sub stream { return '' }


# Actors that must be there, too; in the same order as all.

sub needs { return () }


# did(WHAT): it was done once more.  What must have been done in a run of two
# minutes; in a shorter one any of it will do.

sub did {
    my ($self, $what) = @_;

    $self->run->ledger->did("$self->{name}: $what");
}


sub does { return ('exchange') }


# Before the gateway starts, and as soon as it runs.

sub before { }
sub after { }


# name => what it does, again and again, in a process of its own.  It is given
# a hash for what it needs to remember: `keep` of that also after a fault,
# `end` is called at the end.

sub clients { return () }


# ask_on(STATE, PORT, KEY, MOST, TEXT): an exchange on the connection that a
# client keeps, to where no cap is met: an answer that is cut short is none.

sub ask_on {
    my ($self, $state, $port, $key, $most, $text) = @_;

    my $client = $state->{client}
        ||= Wgw::Chaos::Client->new($self->run->port($port));

    return $self->run->ledger->attempt($key, $most, sub {
        my $got = $client->ask($text);

        $got->{ok} = 0 if $got->{cut};

        return $got;
    });
}


# acts(STORM): [ name, code ] ..., of which one is chosen from time to time

sub acts { return () }


# When the clients have ended; when all is counted, and is to be compared.

sub calmed { }
sub compare { }


# Lines of the error log, warnings and worse, that are to be expected.

sub allowed { return () }


1;
