// How spawn(8) is to run the program: what master.cf.snippet, the README, the manual and `doctor` tell alike. Text only.

/**
 * One thread for V8's work behind the scenes: 1.3 to 1.7 MB less in a long session (Node 20). It is an option of Node's;
 * with one of V8's own, Node 20 and 22 take a quarter more time to start (see filter/v8.ts).
 */
export const NODE_FLAGS = ['--v8-pool-size=1'];

export const ARGV = `argv=/usr/bin/node ${NODE_FLAGS.join(' ')} /usr/local/bin/greylatch`;
