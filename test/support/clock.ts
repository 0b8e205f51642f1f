// A wall clock that the test holds in its hand: a file that libfaketime reads at every call, in every process that
// was started with `clock.env`. The clock stands still between moves; monotonic clocks and timers run as usual.
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Clock {
  readonly env: Record<string, string>;
  now(): number;
  /** Seconds since 1970. */
  set(seconds: number): void;
  move(seconds: number): void;
}

/** libfaketime of Debian, any architecture. The MT one, because Node has threads. */
export function faketimeLibrary(): string | undefined {
  const places = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  return places
    .map((place) => path.join('/usr/lib', place, 'faketime/libfaketimeMT.so.1'))
    .find((library) => existsSync(library));
}

export function makeClock(directory: string, start = 1_700_000_000): Clock {
  const file = path.join(directory, 'clock');
  let now = start;
  const set = (seconds: number) => {
    now = seconds;
    // Renamed into its place: no process may read half a number.
    writeFileSync(`${file}.new`, `${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(start);
  return {
    env: {
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_FMT: '%s',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
      TZ: 'UTC',
    },
    now: () => now,
    set,
    move: (seconds) => set(now + seconds),
  };
}

/** libfaketime removes its semaphore at exit; a process killed by SIGKILL leaves it behind. */
export function sweepAfter(pid: number): void {
  for (const name of [`sem.faketime_sem_${pid}`, `faketime_shm_${pid}`]) {
    rmSync(path.join('/dev/shm', name), { force: true });
  }
}
