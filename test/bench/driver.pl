#!/usr/bin/perl
# The bench's driver: starts policy filters as spawn(8) does (a socket as descriptors 0, 1 and 2, PATH and nothing
# else in the environment, a session of their own), or connects to a daemon, and asks as smtpd does: a session's
# next request goes out when its reply is there. Reads a plan (JSON, see driver.ts) from standard input and writes
# a report. In Perl, because whoever measures greylist.pl has it, and its loop around select(2), read(2) and write(2)
# costs less than Node's. Every request is made before the clock starts.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP ();
use Machine;
use POSIX ();
use Socket;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);
use Triples;

my $PATIENCE = 120;    # seconds without a reply after which all is given up
my $MOST_ENDED = 100;    # sessions that end without a reply, until the program is taken for hopeless
my $MOST_RATE = 70_000;    # requests made in advance for each second of a timed step

my $plan = JSON::PP::decode_json(do { local $/; <STDIN> });
my @command = @{ $plan->{command} // [] };
my ($head, $middle, $next, $tail) = split /\{(?:client|sender|recipient)\}/, $plan->{template};
my $fresh = $plan->{fresh};
my (@handles, @pids, @ended);

$SIG{ALRM} = sub { die "a process does not end\n" };
$SIG{TERM} = $SIG{INT} = sub { die "stopped\n" };
$SIG{PIPE} = 'IGNORE';
END { my $status = $?; kill 'KILL', grep { $_ } @pids; $? = $status }

srand($plan->{seed} // 1);
my (@first, @steps);
for (1 .. $plan->{repeat} // 1) {
    hang_up();
    Machine::drop_caches() if $plan->{cold};
    push @first, start_all($plan->{sessions}, $plan->{first});
}
push @steps, run_step($_) for @{ $plan->{steps} };
my $end = hang_up();
my $report = { first => \@first, steps => \@steps, ended => \@ended, fresh => $fresh + 0, end => $end };
print JSON::PP::encode_json($report), "\n";

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub request {
    my ($client, $sender, $recipient) = Triples::triple($_[0]);
    return "$head$client$middle$sender$next$recipient$tail";
}

# A list of requests, `share` of them for triples that are known. References, so that taking one copies nothing.
sub requests {
    my ($count, $share) = @_;
    my (@list, %known);
    for (1 .. $count) {
        if ($share > 0 && rand() < $share) {
            my $id = int(rand($plan->{known}));
            push @list, $known{$id} //= \request($id);
        } else {
            push @list, \request($fresh++);
        }
    }
    return \@list;
}

# Several requests to a write, for filling a database.
sub bursts {
    my ($size, $list) = @_;
    return $list if $size == 1;
    die "requests come in bursts of $size\n" if @$list % $size;
    my @bursts;
    push @bursts, \join '', map { $$_ } splice @$list, 0, $size while @$list;
    return \@bursts;
}

# Starts every session and sends each its first request at once; milliseconds until each had its reply, sorted.
sub start_all {
    my ($sessions, $first) = @_;
    if (!$first) {
        start($_) for 0 .. $sessions - 1;
        return [];
    }
    my $list = requests($sessions, $first eq 'known' ? 1 : 0);
    my $begun = now();
    for my $i (0 .. $sessions - 1) {
        start($i);
        syswrite $handles[$i], ${ $list->[$i] };
    }
    my @times;
    my %waiting = map { $_ => '' } 0 .. $sessions - 1;
    while (%waiting) {
        my $mask = mask(keys %waiting);
        select($mask, undef, undef, $PATIENCE) or die "no first reply\n";
        for my $i (keys %waiting) {
            next unless vec($mask, fileno $handles[$i], 1);
            if (!sysread($handles[$i], $waiting{$i}, 65536, length $waiting{$i})) {
                revive($i, $list->[$i]);
                $waiting{$i} = '';
            } elsif ($waiting{$i} =~ /\n\n\z/) {
                push @times, (now() - $begun) * 1000;
                delete $waiting{$i};
            }
        }
    }
    return \@times;
}

sub mask {
    my $mask = '';
    vec($mask, fileno $handles[$_], 1) = 1 for @_;
    return $mask;
}

sub start {
    my ($i) = @_;
    my $ours;
    if ($plan->{socket}) {
        socket($ours, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
        connect($ours, sockaddr_un($plan->{socket})) or die "$plan->{socket}: $!\n";
    } else {
        socketpair($ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!\n";
        my $pid = fork // die "fork: $!\n";
        if ($pid == 0) {
            POSIX::setsid();
            POSIX::dup2(fileno $theirs, $_) for 0 .. 2;    # all others close at exec
            %ENV = (PATH => '/usr/bin:/usr/sbin:/bin:/sbin');
            exec { $command[0] } @command or POSIX::_exit(127);
        }
        $pids[$i] = $pid;
    }
    setsockopt($ours, SOL_SOCKET, SO_RCVTIMEO, pack 'l!l!', $PATIENCE, 0) or die "SO_RCVTIMEO: $!\n";
    $handles[$i] = $ours;
}

# smtpd closes, and the filter leaves by itself. Returns the milliseconds of a processor that all of them took for it.
sub hang_up {
    my $before = Machine::end_time(@pids);
    close $_ for @handles;
    alarm $PATIENCE;
    Machine::await_end($_) for @pids;
    my $taken = (Machine::end_time(@pids) - $before) / 1e6;
    for my $pid (@pids) {
        waitpid $pid, 0;
        push @ended, how_it_ended() . ' at the end' if $? != 0;
    }
    alarm 0;
    @handles = @pids = ();
    return $taken;
}

# A session ended without a reply: as Postfix does, ask a new one. (What is not said here: Postfix waits a second.)
sub revive {
    my ($i, $request) = @_;
    die "no reply in $PATIENCE seconds\n" if $!{EAGAIN};
    my $how = 'the connection was closed';
    if ($pids[$i]) {
        waitpid $pids[$i], 0;
        $how = how_it_ended();
        $pids[$i] = 0;
    }
    push @ended, $how;
    die "sessions end without a reply ($how)\n" if @ended > $MOST_ENDED;
    start($i);
    syswrite $handles[$i], $$request;
}

sub how_it_ended { return $? & 127 ? 'signal ' . ($? & 127) : 'status ' . ($? >> 8) }

# One step: `requests` in all, or as many as fit into `seconds`; the rate is that up to the deadline.
sub run_step {
    my ($step) = @_;
    my $sessions = $step->{sessions} // @handles;
    my $alone = $sessions == 1;    # nobody to select from
    my $burst = $step->{burst} // 1;
    my $count = $step->{requests} // int($step->{seconds} * $MOST_RATE);
    my $list = bursts($burst, requests($count, $step->{share}));
    my @mine = 0 .. $sessions - 1;
    my $mask = mask(@mine);
    my $timed = $step->{latencies};
    my @held = ('') x $sessions;
    my (@asked, @sent, @latencies, $counted, $seconds);
    my ($at, $last, $waiting, $replies, $deferred) = (0, scalar @$list, 0, 0, 0);
    my ($cpu, $own, $revived) = (Machine::cpu_time(measured()), Machine::own_cpu_time(), scalar @ended);
    my $begun = now();
    my $deadline = $begun + ($step->{seconds} // 9e9);

    for my $i (@mine) {
        last if $at >= $last;
        $sent[$i] = now() if $timed;
        syswrite $handles[$i], ${ $asked[$i] = $list->[ $at++ ] };
        $waiting++;
    }
    while ($waiting) {
        my $ready = $mask;
        if (!$alone) { select($ready, undef, undef, $PATIENCE) or die "no reply in $PATIENCE seconds\n" }
        for my $i (@mine) {
            next unless $asked[$i] && ($alone || vec($ready, fileno $handles[$i], 1));
            undef $!;
            if (!sysread($handles[$i], $held[$i], 65536, length $held[$i])) {
                revive($i, $asked[$i]);
                $held[$i] = '';
                $mask = mask(grep { $asked[$_] } @mine);
                next;
            }
            next unless substr($held[$i], -2) eq "\n\n";
            if ($burst == 1) {
                $replies++;
                $deferred++ if lc substr($held[$i], 7, 5) eq 'defer';
            } else {
                my $come = () = $held[$i] =~ /\n\n/g;
                next if $come < $burst;
                $replies += $come;
                $deferred += () = $held[$i] =~ /^action=defer/gm;
            }
            $held[$i] = '';
            push @latencies, now() - $sent[$i] if $timed;
            if ($at < $last) {
                $sent[$i] = now() if $timed;
                syswrite $handles[$i], ${ $asked[$i] = $list->[ $at++ ] };
            } else {
                $waiting--;
                $asked[$i] = undef;
                vec($mask, fileno $handles[$i], 1) = 0;
            }
        }
        if (!defined $counted) {
            my $now = now();
            if ($now >= $deadline || $at >= $last) {
                ($counted, $seconds, $last) = ($replies, $now - $begun, $at);    # the rest is only waited for
            }
        }
    }
    # What was made and not asked for is still new.
    $fresh -= @$list - $at if $step->{share} == 0 && $burst == 1;
    my %result = (
        requests => $replies,
        deferred => $deferred,
        rate => $counted / $seconds,
        driver => (Machine::own_cpu_time() - $own) / (now() - $begun),
    );
    sleep $step->{rest} if $step->{rest};
    # Where a process has gone, so has its account.
    $result{cpu} = (Machine::cpu_time(measured()) - $cpu) / 1000 / $replies if @ended == $revived;
    if ($timed) {
        @latencies = sort { $a <=> $b } @latencies;
        $result{p99} = $latencies[ @latencies * 0.99 ] * 1000;
    }
    $result{memory} = [ map { Machine::memory($_) } measured() ] if $step->{memory};
    return \%result;
}

sub measured { return $plan->{daemon} ? $plan->{daemon} : @pids }
