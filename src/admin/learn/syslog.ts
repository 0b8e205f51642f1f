// A line of a mail log, as syslogd writes it: time, host, program of Postfix, text.

interface LogLine {
  /** As in the log; `stampTime` reads it. */
  stamp: string;
  host: string;
  /** The program without Postfix's (or the instance's) name: `smtpd`. */
  program: string;
  queueId: string;
  /** What follows the queue id. */
  text: string;
}

const LINE = new RegExp(
  '^(?:<\\d{1,3}>)?' + // the priority, where a daemon has left it in
    '([A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d|\\d{4}-\\d\\d-\\d\\dT\\S{1,40}) ' + // RFC 3164, or RFC 3339
    '(\\S+) ' +
    '\\S{1,200}\\/([\\w-]+)\\[\\d+\\]: ' + // postfix/smtpd, postfix-in/smtpd, postfix/submission/smtpd
    '(?:\\[ID \\d+ [\\w.]+\\] )?' + // Solaris
    '([0-9A-Za-z]{5,24}): ' + // short queue ids are hexadecimal, long ones of base 52
    '(.*)$',
);

/** Reads a line; undefined where it is not of Postfix, or not about a message. */
export function parseLogLine(line: string): LogLine | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, stamp, host, program, queueId, text] = match as unknown as string[];
  return { stamp: stamp!, host: host!, program: program!, queueId: queueId!, text: text! };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** How far in the future a time in a log may seem to lie, since clocks and zones differ. Seconds. */
const SLACK = 86400;

/**
 * A time stamp in seconds since the epoch; undefined where it is none. One without a year gets the latest year that does
 * not make it later than `asOf`, when the file was last written to: in January, December was last year. It is in this
 * machine's zone.
 */
export function stampTime(stamp: string, asOf: number): number | undefined {
  if (stamp[4] === '-') {
    // RFC 3339; journalctl writes the zone without its colon.
    const time = Date.parse(stamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
    return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
  }
  const month = MONTHS.indexOf(stamp.slice(0, 3));
  const [day, hour, minute, second] = stamp.slice(4).split(/[ :]+/).filter(Boolean).map(Number) as number[];
  const latest = new Date((asOf + SLACK) * 1000).getFullYear();
  // Eight years: two 29ths of February may be that far apart.
  for (let year = latest; month >= 0 && year >= latest - 8; year--) {
    const date = new Date(year, month, day, hour, minute, second);
    const time = Math.floor(date.getTime() / 1000);
    if (date.getDate() === day && time <= asOf + SLACK) return time;
  }
  return undefined;
}
