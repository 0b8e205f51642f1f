// How spawn(8) is to run the program: what master.cf.snippet, the README, the manual and `doctor` tell alike. Text only.

/** One thread for V8's work behind the scenes, and semi-spaces of a megabyte: some megabytes less a process. */
export const NODE_FLAGS = ['--v8-pool-size=1', '--max-semi-space-size=1'];

export const ARGV = `argv=/usr/bin/node ${NODE_FLAGS.join(' ')} /usr/local/bin/greylatch`;
