// The program: reads the arguments, and runs the filter or an administrator's command, which is loaded only then.
// All that this file imports is loaded at every start, so it is kept short.

// Where to look:
//   filter/    a session under spawn(8): reading requests, writing replies, --on-error, time limit, signals
//   greylist/  the decision (decide.ts), who is not greylisted (exceptions.ts), client and sender keys, --privacy
//   lists/     the whitelist files
//   store/     what is on record; store.ts lists its folders
//   cli/       options and their values
//   log/       syslog and other places for messages
//   time/      a clock and a pause
//   admin/     the administrator's commands (commands.ts), each with a file; a folder of the same name has its parts
//   manual/    the manual page
//   build.mjs  makes dist/ of all this: a bundle for each of what is loaded by itself
// bin/ has what npm installs and starts, which loads dist/.
// test/ mirrors these, name by name. Tests of the whole program: test/e2e (Postfix), faults, fleet, oracle (greylist.pl, postgrey),
// processes; what they share is in test/support, what they read in test/data, measurements are in test/bench.
//
// To work on it (without NODE_EXTRA_CA_CERTS in the environment, which costs each start of Node 20 some 50 ms):
//   npm run build && npx vitest run test/log/log.test.ts    one file of tests; many run dist/, hence the build
//   npx vitest run test/store -t 'a part of a name'         some of a folder
//   npm run format && npm run check                         layout; types and style, as npm test begins
//   npm run bench -- --quick                                two short rounds beside greylist.pl and postgrey
import { type FilterArguments, filterArguments, plainWords, type Words } from './cli/arguments.ts';
import { newAnswer } from './filter/answer.ts';
import { isOneSocket, silenceStderr, stderrIsApart } from './filter/descriptors.ts';
import { withFleet } from './filter/fleet.ts';
import { newHitCounter } from './filter/hits.ts';
import { policyFrom } from './filter/policy.ts';
import { runSession } from './filter/session.ts';
import { newV8Limits } from './filter/v8.ts';
import { type Log, type LogTarget, newLog, sparingly } from './log/log.ts';
import { openTarget } from './log/targets.ts';
import { openStore } from './store/embedded/embedded.ts';

const USAGE_STATUS = 2;
const OTHERS = 0o077;

function main(argv: string[]): void {
  // What is made here is for its owner, whatever the umask: of a new file that it may not open again, liblmdb dies (SIGSEGV).
  process.umask(process.umask(OTHERS) & OTHERS);
  // Nobody runs a command under spawn(8): there, such a word is a mistake in the filter's arguments.
  if (argv.some(isForCommands) && !isOneSocket()) {
    // A bundle of its own, so that filters do not load it.
    const { runCommand } = require('./commands.js') as typeof import('./admin/run.ts');
    void runCommand(argv);
    return;
  }
  const apart = stderrIsApart();
  if (!apart) silenceStderr();
  start(argv, apart);
}

function start(argv: string[], apart: boolean): void {
  const open = (target: LogTarget) =>
    newLog(target === 'stderr' && !apart ? 'syslog' : target, openTarget, apart ? 'stderr' : 'syslog');
  try {
    const settings = filterArguments(plainWords(argv) ?? otherWords(argv));
    filter(settings, open(settings.log));
  } catch (error) {
    // Compared by name, for each bundle has a class of its own.
    if (!(error instanceof Error) || error.name !== 'UsageError') throw error;
    const log = open(apart ? 'stderr' : targetOf(argv));
    log.write('err', `${error.message} (greylatch --help lists the options)`);
    log.close(() => process.exit(USAGE_STATUS));
  }
}

/** Reads any command line but the plainest, with a parser that is loaded only then. Throws UsageError. */
function otherWords(argv: string[]): Words {
  return (require('./words.js') as typeof import('./cli/words.ts')).readWords(argv);
}

/** The --log target of a command line that could not be read as a whole. */
function targetOf(argv: string[]): LogTarget {
  const at = argv.findLastIndex((word) => word === '--log' || word.startsWith('--log='));
  const word = argv[at] === '--log' ? argv[at + 1] : argv[at]?.slice('--log='.length);
  return word === 'none' || word?.startsWith('file:') ? (word as LogTarget) : 'syslog';
}

/** A first word that is no option names a command; --help and --version are answered there too. */
function isForCommands(word: string, i: number): boolean {
  return word === '--help' || word === '--version' || (i === 0 && word >= 'a' && word < '{');
}

function filter(settings: FilterArguments, log: Log): void {
  const seconds = () => Math.floor(Date.now() / 1000);
  // libuv starts four threads for the first flush, and ends the process where a limit on tasks refuses it one (TasksMax=). One is
  // enough; not with --store, where threads wait for the DNS as well.
  if (settings.store === undefined) process.env.UV_THREADPOOL_SIZE ??= '1';
  const complain = sparingly(log, seconds);
  const local = openStore({
    path: settings.db,
    sync: settings.sync,
    limits: settings,
    onDamage: (what) => log.write('crit', what),
    onTrouble: ({ message }) => complain('err', message, message),
    onFull: (what) => log.write('warning', what),
  });
  const store = withFleet(local, settings, log, seconds);
  const hits = newHitCounter(settings, store, seconds);
  const end = (status: number) => {
    hits?.write(seconds(), true);
    store.close();
    log.close(() => process.exit(status));
  };
  process.on('uncaughtException', (error) => {
    log.write('crit', `${error.stack ?? error}`);
    log.close(() => process.exit(1));
  });
  const warn = (text: string) => log.write('warning', text);
  const answer = newAnswer(store, policyFrom(settings, { warn, now: seconds, hit: hits?.hit }), log, seconds);
  const { timeLimit, verbose } = settings;
  const tidy = () => {
    store.tidy(seconds());
    hits?.write(seconds());
  };
  const limitV8 = newV8Limits();
  runSession({
    answer(request) {
      limitV8();
      return answer(request);
    },
    tidy,
    timeLimit,
    verbose,
    log,
    end,
  });
}

main(process.argv.slice(2));
