# Triples by number: the same number gives the same triple, two numbers never the same one (up to 100 million).
# Client, sender and recipient have the lengths of ordinary ones. A client of 3.3 million comes back after as many
# numbers, so that its triples come spread over time.
package Triples;
use strict;
use warnings;

my $CLIENTS = 3_333_331;
my @first = qw(anna ben carla dmitri elena farid giulia hannes irina jo katharina lars maria nils olga pablo quentin
    ruth sebastian tom ulrike victor wei xenia yusuf zoe christopher);
my @family = qw(smith garcia mueller lee ivanova rossi nguyen dupont kowalski andersen silva okafor yamada novak
    johansson papadopoulos haddad brown fischer van.dijk);
my @word = qw(acme blue cloud delta east first green harbour inter jet kite lake mail north orange press quick river
    sun trade union valley west media group tech data net soft works);
my @top = qw(com com com net org de co.uk fr it nl pl com.br info);
my @bulk = qw(info newsletter noreply bounce support office sales);
my @local = qw(example.com example.net example.org mail.example.com);

# client, sender, recipient
sub triple {
    my ($id) = @_;
    my $client = $id % $CLIENTS + 1;
    my $turn = int($id / $CLIENTS);
    my $h = mix($id + 1);
    my $g = mix($h);
    my $address = $client * 2654435761 % 4294967296;    # odd factor: no two clients share one
    return (
        join('.', $address >> 24, $address >> 16 & 255, $address >> 8 & 255, $address & 255),
        # The first name, or the number, differs in each of a client's triples.
        sender(mix($client + 7), $turn),
        $first[ $g % @first ] . '.' . $family[ ($g >> 5) % @family ] . '@' . $local[ ($g >> 10) % @local ],
    );
}

sub sender {
    my ($h, $turn) = @_;
    my $domain = $word[ ($h >> 3) % @word ] . $word[ ($h >> 8) % @word ] . '.' . $top[ ($h >> 13) % @top ];
    my $kind = ($h >> 17) % 8;
    return $bulk[ ($h >> 20) % @bulk ] . '-' . ($turn + 10 + ($h & 1023)) . '@' . $domain if $kind == 0;
    # A return path of a mailing list is long.
    return 'bounce+' . sprintf('%08x', $h ^ $turn) . '-' . ($h % 99_991) . '@lists.' . $domain if $kind == 1;
    my $name = $first[ ($h + $turn) % @first ];
    return $name . '.' . $family[ ($h >> 21) % @family ] . '@' . $domain if $kind < 5;
    return substr($name, 0, 1) . $family[ ($h >> 21) % @family ] . ($turn + 1) . '@' . $domain if $kind < 7;
    return $name . ($h % 97) . '@' . $domain;
}

# 32 bits of a number, well mixed.
sub mix {
    my ($x) = @_;
    $x = ($x ^ $x >> 16) * 0x45d9f3b & 0xffffffff;
    $x = ($x ^ $x >> 16) * 0x45d9f3b & 0xffffffff;
    return $x ^ $x >> 16;
}

1;
