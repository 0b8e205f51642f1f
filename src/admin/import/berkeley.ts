// The databases of greylist.pl (greylist.db) and of postgrey (postgrey.db, postgrey_clients.db), from db_dump.
// Their values differ, so that each pair shows which program wrote it:
//
//                       greylist.pl             postgrey
//   client/sender/rcpt  first seen              first seen,last seen
//   client              come-backs              come-backs,last come-back
import { addressOf, postgreyClient } from './client.ts';
import { readPairs } from './dump.ts';
import { checked, type Found, type Lines, problem, type Source } from './record.ts';
import { splitKey } from './split.ts';

const HASH = /^[\da-f]{40}$/;
/** postgrey's default, which it does not store in its database. */
const POSTGREY_DELAY = 300;

/**
 * greylist.pl keeps neither whether a triple passed nor when it was last seen. Its database is sorted, with a client's count
 * right before its triples. Triples of a client that came back at all count as passed, since the client has shown that it is a
 * mail server, and as last seen when the file was made. Those of other clients wait.
 *
 * postgrey stores senders without extension, and with `#` for numbers; they stay so.
 */
export async function* readBerkeley(lines: Lines, { origin, asOf }: Source): AsyncGenerator<Found> {
  let cameBack = '';
  let isEmpty = true;
  for await (const found of readPairs(lines, (text) => /^\d+(,\d+(,.*)?)?$/.test(text))) {
    isEmpty = false;
    if (found.kind === 'problem') {
      yield found;
      continue;
    }
    const { line, key, value } = found;
    const [first, second] = value.split(',', 2).map(Number) as [number, number | undefined];
    if (HASH.test(key)) {
      yield problem(line, 'the key is a hash (postgrey --privacy), of which no address can be made');
    } else if (!key.includes('/')) {
      const client = addressOf(key);
      if (client === undefined) {
        yield problem(line, 'the key is neither a triple nor the address of a client');
        continue;
      }
      if (second === undefined && first > 0) cameBack = client.toLowerCase();
      yield checked(line, { kind: 'client', client, comeBacks: first, lastSeen: second ?? asOf, origin });
    } else {
      const parts = splitKey(key);
      const client = parts && (second === undefined ? addressOf : postgreyClient)(parts.client);
      if (parts === undefined || client === undefined) {
        yield problem(
          line,
          parts ? 'the client is not an address' : 'the key can be taken apart in more than one way',
        );
        continue;
      }
      const passed = second === undefined ? client === cameBack : second - first >= POSTGREY_DELAY;
      const lastSeen = Math.max(first, second ?? (passed ? asOf : first));
      yield checked(line, { kind: 'triple', ...parts, client, firstSeen: first, lastSeen, passed, origin });
    }
  }
  if (isEmpty) {
    // As when postgrey has not yet written anything from its memory to its file.
    yield problem(1, 'the database is empty; while postgrey runs, use: db_dump -h DIRECTORY postgrey.db');
  }
}
