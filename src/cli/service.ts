// How spawn(8) should run the program, for all that say so: master.cf.snippet, the README, the manual, `doctor`. Text only.

/**
 * One background thread for V8: 1.3 to 1.7 MB less in a long session (Node 20). This is an option of Node; options of V8 make
 * Node 20 and 22 start a quarter slower (see filter/v8.ts).
 */
export const NODE_FLAGS = ['--v8-pool-size=1'];

export const ARGV = `argv=/usr/bin/node ${NODE_FLAGS.join(' ')} /usr/local/bin/greylatch`;
