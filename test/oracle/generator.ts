// The requests that both sides get. Strings here are bytes: latin1, one character a byte.
// What is left out because greylatch differs on purpose: "/" in the three parts of a triple (greylist.pl's keys
// collide), a name that begins with "=", CR, a time that goes backwards, a filled sasl_username.
import type { Random } from '../support/random.ts';
import { attributes } from '../support/requests.ts';

export interface Triple {
  client: string;
  sender: string;
  recipient: string;
}

export interface GeneratedRequest extends Triple {
  bytes: Buffer;
}

/** The clock moves, then the requests come, all in the same second. */
export interface Batch {
  move: number;
  requests: GeneratedRequest[];
}

const activeClients = 24;
const recentTriples = 60;
const oldTriples = 2000;
const longest = 5000;

export function makeGenerator(random: Random): () => Batch {
  const senders = Array.from({ length: 60 }, (_, i) => makeAddress(random, `sender${i}`));
  const recipients = Array.from({ length: 40 }, (_, i) => makeAddress(random, `recipient${i}`));
  // Values are cut at 512 bytes: these differ in the last byte that counts, in the first that does not, and far behind.
  const long = 'x'.repeat(511);
  const twins = [
    `${long}a`,
    `${long}b`,
    `${long}ac`,
    `${long}ad`,
    `${long}a.one.example`,
    `${long}b.other.example`,
  ];
  senders.push('', ...twins);
  recipients.push('', ...twins);
  let clients = Array.from({ length: activeClients }, () => makeClient(random));
  let recent: Triple[] = [];
  let old: Triple[] = [];

  function chooseTriple(): Triple {
    const dice = random.next();
    if (dice < 0.45 && recent.length > 0) {
      // The latest most of all: those are exactly as old as the clock has just moved.
      return recent[Math.floor((1 - random.next() ** 3) * recent.length)] ?? random.pick(recent);
    }
    if (dice < 0.5 && old.length > 0) return random.pick(old);
    // Squared, so that a few clients are busy and most are not.
    const client = clients[Math.floor(random.next() ** 2 * clients.length)]!;
    const triple = { client, sender: random.pick(senders), recipient: random.pick(recipients) };
    recent = [...recent, triple].slice(-recentTriples);
    if (random.chance(0.2)) old = [...old, triple].slice(-oldTriples);
    return triple;
  }

  return () => {
    // Clients come and go, or all of them would soon be on the auto-whitelist.
    if (random.chance(0.3)) {
      const leaves = random.pick(clients);
      clients = random.shuffle([...clients.filter((client) => client !== leaves), makeClient(random)]);
    }
    const requests = Array.from({ length: 1 + random.below(40) }, () => {
      const triple = chooseTriple();
      const spelled = {
        client: random.chance(0.1) ? changeCase(random, triple.client) : triple.client,
        sender: random.chance(0.5) ? changeCase(random, triple.sender) : triple.sender,
        recipient: random.chance(0.5) ? changeCase(random, triple.recipient) : triple.recipient,
      };
      return { ...spelled, bytes: writeRequest(random, spelled) };
    });
    return { move: random.pick(moves), requests };
  };
}

// Around the delay of 60 s most of all: what was new in one batch is 59, 60 or 61 s old in the next ones.
const moves = [
  0, 0, 1, 1, 1, 2, 5, 29, 30, 31, 58, 59, 60, 60, 60, 60, 61, 61, 61, 62, 120, 3599, 3600, 21_600,
];

function makeClient(random: Random): string {
  const dice = random.next();
  if (dice < 0.65) return [10, random.below(256), random.below(256), random.below(256)].join('.');
  if (dice < 0.95) {
    const group = () => random.below(65536).toString(16);
    return random.chance(0.5) ? `2001:db8::${group()}` : `2001:db8:${[0, 0, 0, 0, 0].map(group).join(':')}`;
  }
  return random.pick(['', 'unknown', '0', randomBytes(random, 20), 'c'.repeat(509 + random.below(6))]);
}

function makeAddress(random: Random, name: string): string {
  const domain = random.pick(['example.org', 'Example.NET', 'mail.example.com', 'xn--mller-kva.example']);
  const dice = random.below(20);
  if (dice === 0) return Buffer.from(`${name}.Jürgen.ÄÖÜ@müller.example`).toString('latin1');
  if (dice === 1) return `${name}${randomBytes(random, 1 + random.below(40))}@${domain}`;
  if (dice === 2) return `${name}=option=${random.below(9)}=@${domain}`;
  if (dice === 3) return ` "${name} with spaces\t"@${domain} `;
  if (dice === 4) return `${name}${'y'.repeat(random.below(1000))}@${domain}`;
  if (dice === 5) return `${name}.${randomBytes(random, 40)}${'z'.repeat(random.below(longest - 200))}`;
  if (dice === 6)
    return random.pick(['0', '__proto__', 'constructor', '%s%n', "' or 1=1 --", '\\', '<>', '@']);
  return `${name}+${random.below(1000)}@${domain}`;
}

/** Any byte but line feed, carriage return and slash. */
function randomBytes(random: Random, length: number): string {
  let bytes = '';
  while (bytes.length < length) {
    const byte = String.fromCharCode(random.below(256));
    if (!'\n\r/'.includes(byte)) bytes += byte;
  }
  return bytes;
}

/** ASCII letters only, as both sides promise. */
function changeCase(random: Random, text: string): string {
  const how = random.below(3);
  return text.replace(/[A-Za-z]/g, (letter) => {
    const upper = how === 0 || (how === 1 && random.chance(0.5));
    return upper ? letter.toUpperCase() : letter.toLowerCase();
  });
}

function writeRequest(random: Random, triple: Triple): Buffer {
  const parts = {
    client_address: triple.client,
    sender: triple.sender,
    recipient: triple.recipient,
  };
  let pairs: [string, string][];
  if (random.chance(0.6)) {
    pairs = attributes({ ...parts, helo_name: random.chance(0.1) ? randomBytes(random, 30) : 'a.example' });
  } else {
    pairs = [['request', 'smtpd_access_policy'], ...Object.entries(parts)];
  }
  // A missing value is an empty one.
  if (random.chance(0.3)) pairs = pairs.filter(([, value]) => value !== '');
  if (random.chance(0.1)) pairs.push(random.pick(strangeAttributes));
  if (random.chance(0.4)) random.shuffle(pairs);
  const lines = pairs.map(([name, value]) => `${name}=${value}`);
  if (random.chance(0.1)) addRepetition(random, lines);
  if (random.chance(0.05)) lines.splice(random.below(lines.length + 1), 0, random.pick(garbage));
  return Buffer.from(`${lines.join('\n')}\n\n`, 'latin1');
}

// Names are case-sensitive, may not be trimmed, and must not reach into the language's own objects.
const strangeAttributes: [string, string][] = [
  ['SENDER', 'other@example.org'],
  ['Client_Address', '10.0.0.1'],
  ['recipient ', 'other@example.org'],
  [' sender', 'other@example.org'],
  ['__proto__', 'other'],
  ['constructor', 'other'],
  ['n'.repeat(700), 'v'.repeat(700)],
  [`sender${'\0'}`, 'other'],
  ['unknown', 'a/b/c=d='],
];

const garbage = [
  'no equals sign',
  '=a value without a name',
  '=',
  ' ',
  '\t',
  'sender',
  '\xff\xfe',
  'g'.repeat(3000),
];

/** An attribute comes twice; the last one counts, so a false value goes before the true one. */
function addRepetition(random: Random, lines: string[]): void {
  const at = random.below(lines.length);
  const name = lines[at]!.slice(0, lines[at]!.indexOf('='));
  lines.splice(
    random.below(at + 1),
    0,
    `${name}=${random.pick(['', 'false@example.org', '10.9.8.7', 'f'.repeat(999)])}`,
  );
}
