package Wgw::Node;

# A program of t/clients, with the libraries that people use: one JSON object
# a line, in and out.
#
#     my $node = Wgw::Node->new('claims.mjs');
#     my $result = $node->call(OPERATION, NAME => VALUE ...);
#
# Dies where npm has not what it needs; have(), which says whether it has, is
# for suites about nothing else.

use warnings;
use strict;

use IPC::Open2;
use JSON::PP ();


my $owner = $$;
my @programs;
my $coder = JSON::PP->new->utf8->canonical->allow_nonref;


sub have { return system('tools/npm.sh') == 0 }


sub new {
    my ($class, $name) = @_;

    have() or die 'tools/npm.sh';

    my $pid = open2(my $out, my $in, 'node', "build/npm/$name");
    my $self = bless { pid => $pid, in => $in, out => $out }, $class;

    push @programs, $self;

    return $self;
}


sub call {
    my ($self, $op, %arguments) = @_;

    print { $self->{in} } $coder->encode({ op => $op, %arguments }), "\n";
    $self->{in}->flush();

    my $line = readline($self->{out}) // die 'node has ended';
    my $answer = $coder->decode($line);

    die "$op: $answer->{failed}" if defined $answer->{failed};

    return $answer->{ok};
}


# They end when their input does.

END {
    my $status = $?;

    if ($$ == $owner) {
        for my $program (@programs) {
            close $program->{in};
            waitpid $program->{pid}, 0;
        }
    }

    $? = $status;
}


1;
