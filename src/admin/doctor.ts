// greylatch doctor: looks at an installation under Postfix as an expert would, and says how to mend what is wrong. Changes
// nothing.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import { type Asked, askedBy, gatherEngine } from './doctor/engine.ts';
import { type Finding, finding, isToMend } from './doctor/finding.ts';
import { gather } from './doctor/gather.ts';
import { judgeEngine } from './doctor/judge/engine.ts';
import { judge } from './doctor/judge.ts';
import { queueOf, readConfiguration } from './doctor/postconf.ts';
import { printed } from './doctor/print.ts';
import { paintForOutput } from './text.ts';
import { WHERE } from './where.ts';
import { print } from './write.ts';

const WELL = 0;
const TO_MEND = 1;

export const doctorCommand = defineCommand({
  name: 'doctor',
  describe: 'look at the installation under Postfix and say how to mend what is wrong',
  text: [
    'Reads what postconf(1) prints, follows the service from smtpd(8) to the database, starts "node --version" ' +
      'and "greylatch --version" as the user of the service, and changes nothing. Run it as root: much is closed ' +
      'to others. Findings are ok, note (nobody has to act), warning (works until something happens) or error.',
    'Of the engine that a service shares with other hosts, or of the one that --store names, it says whether it answers in ' +
      'time, what it is, whether it keeps what it is told, whom it lets in, and how its clock goes. A probe is left there for a second.',
  ],
  options: {
    'config-dir': { kind: 'path', describe: "the directory of main.cf and master.cf, as postconf's -c" },
    db: { kind: 'path', describe: 'the database, where no service of master.cf runs greylatch yet' },
    store: { ...WHERE.store, describe: 'examine this engine, and no Postfix' },
    'store-password-file': WHERE['store-password-file'],
    'store-timeout': WHERE['store-timeout'],
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [
    ['doctor', 'after installing, and whenever something seems wrong'],
    ['doctor --store redis://store.example --store-password-file /etc/greylatch.password', 'only the engine'],
    ['doctor --json', 'for a monitoring system: "findings", each with severity, check, where, what and mend'],
  ],
  statuses: {
    [WELL]: 'nothing is to be mended',
    [TO_MEND]: 'there are warnings or errors',
    2: 'wrong command line, or no Postfix that can be examined',
  },
  async run(args) {
    const { store, json, 'store-password-file': passwordFile, 'store-timeout': timeout } = args;
    const { head, about, findings } =
      store === undefined
        ? await examine(args['config-dir'], args.db)
        : await examineStore({
            store,
            directory: '.',
            passwordFile,
            timeout,
            account: undefined,
            from: 'files and pipes',
          });
    const well = !findings.some(isToMend);
    print(json ? { ...about, well, findings } : printed(head, findings, paintForOutput()));
    return well ? WELL : TO_MEND;
  },
});

async function examine(directory: string | undefined, db: string | undefined) {
  const configuration = readConfiguration(directory);
  const facts = gather(configuration, db);
  const asked = askedBy(facts.entries, queueOf(configuration.parameters));
  const engines = await Promise.all(asked.map(examineAsked));
  const { version, directory: config } = configuration;
  return {
    head: `Postfix ${version}, ${config}`,
    about: { postfix: version, config },
    findings: [...judge(facts), ...engines.flat()],
  };
}

async function examineStore(asked: Asked) {
  const facts = await gatherEngine(asked);
  return { head: `The store ${facts.where}`, about: { store: facts.where }, findings: judgeEngine(facts) };
}

/** Findings about a service's engine, also where its --store is no address: then the filter ends at once. */
async function examineAsked(asked: Asked): Promise<Finding[]> {
  try {
    return judgeEngine(await gatherEngine(asked));
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'UsageError') throw error;
    const what = `the filter ends at once: ${message}`;
    return [finding('error', 'store', asked.store, what, 'correct --store in argv=')];
  }
}
