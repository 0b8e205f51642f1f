// The engine that several hosts share: whether it can be asked, with which password, node by node, and how its clocks go.
// Facts in, findings out.
import type { Node } from '../../../store/fleet/examine.ts';
import { span } from '../../text.ts';
import type { EngineFacts } from '../engine.ts';
import { type Finding, finding, orOk } from '../finding.ts';
import { denied, describe, wayTo } from '../permissions.ts';
import { judgeNode } from './node.ts';

const OTHERS = 0o077;
/** How far clocks may be apart, in seconds, before there is a note, and before there is a warning. */
const APART = 2;
const FAR_APART = 60;

export function judgeEngine(facts: EngineFacts): Finding[] {
  const { where, engine, trouble } = facts;
  const found = judgePasswordFile(facts);
  if (engine === undefined) {
    // What is wrong with the file has been said already.
    const said = facts.passwordFile !== undefined && trouble.includes(facts.passwordFile.path);
    if (said && found.length > 0) return found;
    return [...found, finding('error', 'store', where, trouble, `try it from this host: ${facts.ping}`)];
  }
  for (const node of engine.nodes) found.push(...judgeNode(facts, node));
  // A replica refuses all writing, which has been said already.
  if (engine.refused !== '' && found.every(({ check }) => check !== 'store-role')) {
    const mend = 'as the message says; until then, each host decides by itself';
    found.push(finding('error', 'store-use', where, `a filter cannot use it: ${engine.refused}`, mend));
  }
  found.push(...judgeClocks(facts, engine.nodes), ...judgeKeys(facts, engine.nodes));
  const each = engine.nodes.map(
    ({ program, version, latency }) =>
      `${[program, version].join(' ').trim()}, ${latency.toFixed(1)} ms a round trip`,
  );
  return orOk(found, 'store', where, `answers: ${each.join('; ')}`);
}

function judgePasswordFile({ passwordFile: file, account }: EngineFacts): Finding[] {
  if (file === undefined) return [];
  const owner = account?.name ?? 'USER';
  const where = file.path;
  const mend = `chown ${owner} ${where} && chmod 600 ${where}`;
  const error = (what: string, how = mend) => [finding('error', 'password-file', where, what, how)];
  if (file.self === undefined)
    return error(
      file.reason === 'ENOENT' ? 'the password file does not exist' : `cannot be reached (${file.reason})`,
      `write the password of the engine into it, and ${mend}`,
    );
  if ((file.self.mode & OTHERS) !== 0)
    return error(
      `others than its owner may use it: ${describe(file.self)}; filters refuse it`,
      `${mend}, and change the password: it may be known`,
    );
  const refused = denied(account, file, 'read');
  return refused === '' ? [] : error(refused, wayTo(account, file));
}

/** Hosts that store under different keys, or hash them by different secrets, never find what the others have seen. */
function judgeKeys({ where }: EngineFacts, nodes: readonly Node[]): Finding[] {
  const kinds = [...new Set(nodes.flatMap(({ keys }) => keys))].sort();
  if (kinds.length < 2) return [];
  const what = `the filters that are connected store under different keys, and do not find what the others have seen: ${kinds.join('; ')}`;
  const mend =
    'give all hosts the same --client-key, prefixes, --sender-key and --privacy, and with that the .secret file of one of them, then "postfix reload"';
  return [finding('warning', 'store-keys', where, what, mend)];
}

function judgeClocks({ where }: EngineFacts, nodes: readonly Node[]): Finding[] {
  const found: Finding[] = [];
  const mend = 'let all keep the time by NTP (chrony, systemd-timesyncd)';
  const all = nodes.map(({ ahead }) => ahead);
  const apart = Math.max(...all) - Math.min(...all);
  if (apart > APART) {
    const what = `the clocks of its nodes are ${span(Math.round(apart))} apart: a triple is as old as its node says`;
    found.push(finding('warning', 'store-clock', where, what, mend));
  }
  for (const { where: node, ahead } of nodes) {
    const off = Math.round(Math.abs(ahead));
    if (off < APART) continue;
    const what = `its clock is ${span(off)} ${ahead > 0 ? 'ahead of' : 'behind'} that of this host; the engine's counts, so that no mail waits longer for it`;
    found.push(finding(off < FAR_APART ? 'note' : 'warning', 'store-clock', node, what, mend));
  }
  return found;
}
