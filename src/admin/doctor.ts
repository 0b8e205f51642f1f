// greylatch doctor: looks at an installation under Postfix as an expert would, and says how to mend what is
// wrong. Changes nothing.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import { gather } from './doctor/facts.ts';
import { isToMend } from './doctor/finding.ts';
import { judge } from './doctor/judge.ts';
import { readConfiguration } from './doctor/postconf.ts';
import { printed } from './doctor/print.ts';
import { wantsColour } from './text.ts';

const WELL = 0;
const TO_MEND = 1;

export const doctorCommand = defineCommand({
  name: 'doctor',
  describe: 'look at the installation under Postfix and say how to mend what is wrong',
  text: [
    'Reads what postconf(1) prints, follows the service from smtpd(8) to the database, starts "node --version" ' +
      'and "greylatch --version" as the user of the service, and changes nothing. Run it as root: much is closed ' +
      'to others. Findings are ok, note (nobody has to act), warning (works until something happens) or error.',
  ],
  options: {
    'config-dir': { kind: 'path', describe: "the directory of main.cf and master.cf, as postconf's -c" },
    db: { kind: 'path', describe: 'the database, where no service of master.cf runs greylatch yet' },
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [
    ['doctor', 'after installing, and whenever something seems wrong'],
    ['doctor --json', 'for a monitoring system: "findings", each with severity, check, where, what and mend'],
  ],
  statuses: {
    [WELL]: 'nothing is to be mended',
    [TO_MEND]: 'there are warnings or errors',
    2: 'wrong command line, or no Postfix that can be examined',
  },
  run({ 'config-dir': directory, db, json }) {
    const configuration = readConfiguration(directory);
    const findings = judge(gather(configuration, db));
    const { version, directory: config } = configuration;
    const well = !findings.some(isToMend);
    process.stdout.write(
      json
        ? `${JSON.stringify({ postfix: version, config, well, findings })}\n`
        : printed(configuration, findings, wantsColour(process.stdout, process.env)),
    );
    return well ? WELL : TO_MEND;
  },
});
