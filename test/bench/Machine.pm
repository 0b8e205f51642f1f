# What the kernel says of processes, and how it is made to forget what it has read of files.
package Machine;
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(sleep);

# Nanoseconds that all threads of these processes have had of a processor.
sub cpu_time { return sum_of(map { glob "/proc/$_/task/*/schedstat" } @_) }

# The same for their first threads: what is left of the account when they have ended.
sub end_time { return sum_of(map { "/proc/$_/schedstat" } grep { $_ } @_) }

sub sum_of {
    my $sum = 0;
    for my $file (@_) {
        open my $in, '<', $file or next;
        $sum += (split ' ', <$in>)[0];
    }
    return $sum;
}

# Until the process has ended; it is not reaped.
sub await_end {
    my ($pid) = @_;
    while ($pid && open my $in, '<', "/proc/$pid/stat") {
        return if <$in> =~ /\) [ZX] /;
        sleep 0.001;
    }
}

# Seconds that this process has had of a processor.
sub own_cpu_time {
    my (undef, $user, $system) = POSIX::times();
    return ($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# kB: proportional (shared pages are divided among those who share them) and private.
sub memory {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/smaps_rollup" or die "smaps_rollup of $pid: $!\n";
    my ($pss, $private) = (0, 0);
    while (<$in>) {
        $pss = $1 + 0 if /^Pss:\s+(\d+)/;
        $private += $1 if /^Private_(?:Clean|Dirty):\s+(\d+)/;
    }
    return { pss => $pss, private => $private };
}

sub drop_caches {
    system 'sync';
    open my $out, '>', '/proc/sys/vm/drop_caches' or die "drop_caches: $!\n";
    syswrite $out, "3\n" or die "drop_caches: $!\n";
}

1;
