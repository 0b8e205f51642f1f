// Who has delivered accepted mail, from what Postfix logs of it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newLearner } from '../../../src/admin/learn/follow.ts';
import { makeRandom } from '../../support/random.ts';

const AS_OF = Date.UTC(2026, 10, 25) / 1000;
const SAMPLE = readFileSync(new URL('../../data/mail.log', import.meta.url), 'latin1');

function learn(lines: string[], mostMessages?: number) {
  const learner = newLearner(mostMessages);
  for (const line of lines) learner.line(line, AS_OF);
  return learner.clients();
}

const stamped = (program: string, text: string) => `2026-11-24T20:30:01Z mx1 postfix/${program}[1]: ${text}`;
const arrived = (id: string, client: string) => stamped('smtpd', `${id}: client=${client}`);
const from = (id: string, sender = 'a@example.org') =>
  stamped('qmgr', `${id}: from=<${sender}>, size=500, nrcpt=1 (queue active)`);
const sent = (id: string, said = 'delivered to mailbox', program = 'local') =>
  stamped(
    program,
    `${id}: to=<bob@example.net>, relay=local, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (${said})`,
  );
const removed = (id: string) => stamped('qmgr', `${id}: removed`);
const whole = (id: string, client: string) => [arrived(id, client), from(id), sent(id), removed(id)];
const addresses = (lines: string[]) => learn(lines).map(({ client }) => client);

test('a log of everything: those who have delivered accepted mail, and nobody else', () => {
  expect(learn(SAMPLE.split('\n')).map(({ client, name, messages }) => [client, name, messages])).toEqual([
    ['192.0.2.1', 'mail.example.org', 3],
    ['198.51.100.10', 'front.example.com', 1],
    ['198.51.100.8', 'relay.example.com', 1],
    ['198.51.100.7', 'unknown', 1],
    ['2001:db8::25', 'mx6.example.com', 1],
  ]);
});

test('a message counts once, whatever the number of its recipients, with the time of its delivery', () => {
  const lines = [
    arrived('A1B2C3', 'x[192.0.2.1]'),
    from('A1B2C3'),
    sent('A1B2C3'),
    sent('A1B2C3'),
    removed('A1B2C3'),
  ];
  expect(learn(lines)).toEqual([
    { client: '192.0.2.1', name: 'x', messages: 1, lastSeen: Date.UTC(2026, 10, 24, 20, 30, 1) / 1000 },
  ]);
});

test('a queue id that comes again is another message; one that was removed is none', () => {
  expect(addresses([...whole('A1B2C3', 'x[192.0.2.1]'), sent('A1B2C3')])).toEqual(['192.0.2.1']);
  expect(learn([...whole('A1B2C3', 'x[192.0.2.1]'), sent('A1B2C3')])[0]!.messages).toBe(1);
  const reused = [arrived('A1B2C3', 'x[192.0.2.1]'), arrived('A1B2C3', 'x[127.0.0.1]'), sent('A1B2C3')];
  expect(addresses(reused)).toEqual([]);
});

test('the same queue id on two hosts is two messages', () => {
  const other = (line: string) => line.replace('mx1', 'mx2');
  const lines = [arrived('A1B2C3', 'x[192.0.2.1]'), other(arrived('A1B2C3', 'y[192.0.2.2]')), sent('A1B2C3')];
  expect(addresses(lines)).toEqual(['192.0.2.1']);
  expect(addresses([...lines, other(sent('A1B2C3'))]).sort()).toEqual(['192.0.2.1', '192.0.2.2']);
});

test.each([
  ['of a user', 'x[192.0.2.1], sasl_method=PLAIN, sasl_username=ann'],
  ['of this machine', 'localhost[127.0.0.1]'],
  ['of this machine, IPv6', 'localhost[::1]'],
  ['of a private network', 'x[192.168.7.1]'],
  ['of a private network, 172.31', 'x[172.31.255.1]'],
  ['of a private network, IPv6', 'x[fd00::1]'],
  ['back from a filter behind the queue', 'localhost[127.0.0.1], orig_queue_id=B1, orig_client=x[192.0.2.1]'],
  ['of nobody known', 'unknown[unknown]'],
])('mail %s is left out', (_, client) => {
  expect(addresses(whole('A1B2C3', client))).toEqual([]);
  expect(addresses(whole('A1B2C3', 'x[172.32.0.1]'))).toEqual(['172.32.0.1']);
});

test('the client of a filter in front of the queue is the one before it', () => {
  const client = 'localhost[127.0.0.1], orig_queue_id=NOQUEUE, orig_client=x[192.0.2.1]';
  expect(addresses(whole('A1B2C3', client))).toEqual(['192.0.2.1']);
  expect(addresses(whole('A1B2C3', 'localhost[127.0.0.1], orig_client=x[192.0.2.1]'))).toEqual(['192.0.2.1']);
  expect(addresses(whole('A1B2C3', 'x[IPv6:2001:DB8::1]:48124'))).toEqual(['2001:db8::1']);
});

test('only mail that was delivered counts: none that was bounced, deferred, thrown away, or is a bounce itself', () => {
  const begun = [arrived('A1B2C3', 'x[192.0.2.1]'), from('A1B2C3')];
  for (const line of [
    sent('A1B2C3').replace('dsn=2.0.0, status=sent', 'dsn=5.1.1, status=bounced'),
    sent('A1B2C3').replace('dsn=2.0.0, status=sent', 'dsn=4.4.1, status=deferred'),
    sent('A1B2C3').replace('status=sent', 'status=deliverable'),
    sent('A1B2C3', 'none', 'discard'),
    sent('A1B2C3', '250 2.7.0 Ok, discarded, id=1-02 - spam', 'smtp'),
    sent('B1B2C3'),
  ]) {
    expect([line, addresses([...begun, line])]).toEqual([line, []]);
  }
  expect(addresses([arrived('A1B2C3', 'x[192.0.2.1]'), from('A1B2C3', ''), sent('A1B2C3')])).toEqual([]);
  for (const program of ['local', 'virtual', 'lmtp', 'smtp', 'pipe']) {
    expect(addresses([...begun, sent('A1B2C3', '250 2.0.0 Ok: queued as F00', program)])).toEqual([
      '192.0.2.1',
    ]);
  }
});

test('of more messages than are remembered, the one not heard of for longest is forgotten', () => {
  const ids = Array.from({ length: 5 }, (_, i) => `A0000${i}`);
  const lines = ids.map((id, i) => arrived(id, `x[192.0.2.${i}]`));
  lines.splice(4, 0, from(ids[0]!));
  const known = learn([...lines, ...ids.map((id) => sent(id))], 4).map(({ client }) => client);
  expect(known.sort()).toEqual(['192.0.2.0', '192.0.2.2', '192.0.2.3', '192.0.2.4']);
});

test('the verified name stays when a later look-up fails', () => {
  const lines = [...whole('A1B2C3', 'mail.example.org[192.0.2.1]'), ...whole('A1B2C4', 'unknown[192.0.2.1]')];
  expect(learn(lines)).toMatchObject([{ name: 'mail.example.org', messages: 2 }]);
});

test('no line makes it throw or learn of somebody who is in none', () => {
  const random = makeRandom(66);
  const lines = SAMPLE.split('\n');
  for (let round = 0; round < 300; round++) {
    const mutants = lines.map((line) => {
      if (random.chance(0.8)) return line;
      const at = random.below(line.length + 1);
      return (
        line.slice(0, at) +
        random.pick(['', '[', ']', '\0', '\xff', ' ', line]) +
        line.slice(at + random.below(3))
      );
    });
    for (const { client } of learn(random.chance(0.5) ? random.shuffle(mutants) : mutants)) {
      if (!SAMPLE.includes(client.slice(0, 8))) expect({ client, mutants }).toBe('in the log');
    }
  }
});
