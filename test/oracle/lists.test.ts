// The oracle of the lists: postgrey and greylatch get the same lines, one at a time, and the same clients and
// recipients, and must agree on who is excepted. GREYLATCH_LISTS sets the number of random lines, GREYLATCH_SEED the
// seed. What differs on purpose is at the end.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLIENTS } from '../../src/lists/clients.ts';
import { readAtOnce } from '../../src/lists/list.ts';
import { RECIPIENTS } from '../../src/lists/recipients.ts';
import {
  addresses,
  clientLines,
  names,
  randomExpression,
  randomNetwork,
  randomText,
  recipientLines,
  recipients,
} from '../lists/samples.ts';
import { suite } from '../support/needs.ts';
import { makeRandom } from '../support/random.ts';
import { useScratch } from '../support/scratch.ts';
import { type Postgrey, type Query, startPostgrey } from './postgrey.ts';

const count = Number(process.env.GREYLATCH_LISTS ?? 150);
const seed = Number(process.env.GREYLATCH_SEED ?? 1);

const nobody: Query = {
  name: 'nobody.invalid',
  address: '198.51.100.200',
  recipient: 'nobody@nowhere.invalid',
};
const isAddress = (text: string) => /^[\d.]+$|:/.test(text);
const client = (text: string): Query => ({ ...nobody, [isAddress(text) ? 'address' : 'name']: text });
const recipient = (text: string): Query => ({ ...nobody, recipient: text });

/** A list for each; one line at a time, mostly. */
interface Lines {
  clients?: string | undefined;
  recipients?: string | undefined;
}

suite('lists', ['postgrey'], () => {
  const scratch = useScratch('of all');
  let postgrey: Postgrey;
  beforeAll(async () => {
    postgrey = await startPostgrey(scratch.path);
  });
  afterAll(async () => {
    await postgrey?.stop();
  });

  /** Asks both; returns what postgrey lets pass. */
  async function agree(lines: Lines, queries: Query[]): Promise<Query[]> {
    const { clients = '', recipients = '' } = lines;
    await postgrey.lists(`${clients}\n`, `${recipients}\n`);
    const theirs = await postgrey.passes(queries);
    const ours = answers(clients, recipients, queries);
    expect({ lines, passes: queries.filter((_, i) => ours[i]) }).toEqual({
      lines,
      passes: queries.filter((_, i) => theirs[i]),
    });
    return queries.filter((_, i) => theirs[i]);
  }

  test.each(clientLines)('client %j', async (line, excepted) => {
    const queries = [...names, ...addresses, ...(excepted === undefined ? [] : [excepted])].map(client);
    const passed = await agree({ clients: line }, queries);
    if (excepted === undefined) expect(passed).toEqual([]);
    else expect(passed).toContainEqual(client(excepted));
  });

  test.each(recipientLines)('recipient %j', async (line, excepted) => {
    const passed = await agree({ recipients: line }, recipients.map(recipient));
    if (excepted === undefined) expect(passed).toEqual([]);
    else expect(passed).toContainEqual(recipient(excepted));
  });

  test(`${count} random lines of each kind (seed ${seed})`, async () => {
    const random = makeRandom(seed);
    const pool = [...names, ...addresses].map(client);
    const passed = { client: 0, recipient: 0, network: 0, expression: 0 };
    for (let i = 0; i < count; i++) {
      const network = randomNetwork(random);
      passed.network += (await agree({ clients: network }, pool)).length;
      const expression = randomExpression(random);
      const all = [...pool, ...recipients.map(recipient)];
      passed.expression += (await agree({ clients: expression }, all)).length;
      passed.expression += (await agree({ recipients: expression }, all)).length;
      const address = randomText(random, recipients);
      if (!address.startsWith('@')) {
        passed.recipient += (await agree({ recipients: address }, recipients.map(recipient))).length;
      }
      const name = randomText(random, names.slice(1));
      if (/[a-z]/i.test(name)) passed.client += (await agree({ clients: name }, pool)).length;
    }
    for (const number of Object.values(passed)) expect(number).toBeGreaterThan(count / 10);
  });

  test.each(['clients', 'recipients'] as const)("Debian's own list of %s, line by line", async (kind) => {
    const list = readFileSync(`/etc/postgrey/whitelist_${kind}`, 'latin1');
    const lines = list.split('\n').filter((line) => /^[^#]/.test(line));
    const pool = kind === 'clients' ? [...names, ...addresses].map(client) : recipients.map(recipient);
    const examples: Query[] = [];
    for (const line of lines) {
      const example = exampleOf(line.trim());
      const about = kind === 'clients' ? client : recipient;
      const near = isAddress(example) ? [] : [`x.${example}`, `x${example}`, `${example}x`];
      const mine = [example, ...near].map(about);
      examples.push(mine[0]!);
      await agree({ [kind]: line }, [...mine, ...pool]);
    }
    const passed = await agree({ [kind]: list }, [...examples, ...pool]);
    expect(passed.length).toBeGreaterThanOrEqual(examples.length * 0.9);
  });

  // Where postgrey does not do what its manual says, or what nobody can mean.
  test.each([
    ['two numbers are a /16, as the manual says, not a /24', '192.168', '192.168.77.1', false, true],
    ['an IPv4 address in the words of IPv6 is that address', '::ffff:1.2.3.4', '1.2.3.4', false, true],
    ['a leading zero is refused, not taken for octal', '010.1.2.3', '8.1.2.3', true, false],
    ['`unknown` is not a name', 'unknown', 'unknown', true, false],
  ])('client: %s', async (_, line, text, theirs, ours) => {
    await postgrey.lists(`${line}\n`, '');
    expect(await postgrey.passes([client(text)])).toEqual([theirs]);
    expect(answers(line, '', [client(text)])).toEqual([ours]);
  });

  test('recipient: an @ without a user is refused, not taken for one without a name', async () => {
    await postgrey.lists('', '@example.com\n');
    const queries = [recipient('+x@example.com'), recipient('ann@example.com')];
    expect(await postgrey.passes(queries)).toEqual([true, false]);
    expect(answers('', '@example.com', queries)).toEqual([false, false]);
  });
});

function answers(clients: string, recipients: string, queries: readonly Query[]): boolean[] {
  const clientList = readAtOnce(CLIENTS, Buffer.from(clients, 'latin1'));
  const recipientList = readAtOnce(RECIPIENTS, Buffer.from(recipients, 'latin1'));
  return queries.map(
    ({ name, address, recipient }) =>
      (clientList.match(name, address) ?? recipientList.match(recipient)) !== undefined,
  );
}

/** A name or address that a line of Debian's lists is about; for a regular expression a rough guess. */
function exampleOf(line: string): string {
  if (!line.startsWith('/'))
    return line.replace(/\/\d+$/, '').replace(/^([\d.]+)$/, (a) => (a.split('.').length < 4 ? `${a}.1` : a));
  return line
    .replace(/^\/\^?|\$?\/$/g, '')
    .replace(/\(\?:([^|)]*)[^)]*\)/g, '$1')
    .replace(/\[(.)[^\]]*\]/g, '$1')
    .replace(/\\[dw]/g, '1')
    .replace(/\.\*\??/g, 'x')
    .replace(/[+*?\\]/g, '');
}
