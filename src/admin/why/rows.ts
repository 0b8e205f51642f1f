// An explanation as people read it: what the request is, each step, and the answer.
import type { FilterArguments } from '../../cli/arguments.ts';
import { REQUEST_TYPE } from '../../greylist/request.ts';
import { day, localTime, localTimeAgo, plural, span, visible } from '../text.ts';
import type { Explanation } from './explain.ts';

/** A row for each step, in two columns: what it is, and what is found there. The last row is the answer. */
export function rowsOf(explanation: Explanation, settings: FilterArguments, now: number): string[][] {
  const { request, exception, triple, action, instead } = explanation;
  const { client_address, client_name, helo_name, sender, recipient } = request;
  const helo = helo_name === '' ? '' : `, HELO ${visible(helo_name)}`;
  const rows = [
    ['request', `client ${visible(client_address)} (${visible(client_name)}${helo})`],
    ['', `sender ${visible(sender)}, recipient ${visible(recipient)}`],
  ];
  if (action === undefined) {
    rows.push(['answer', `none: it has no request=${REQUEST_TYPE}; the session would end with status 1`]);
    return rows;
  }
  const { entry } = exception ?? {};
  const where = entry === undefined ? '' : `: ${entry.file}, line ${entry.line}: ${visible(entry.text)}`;
  rows.push(['exception', exception === undefined ? 'none: it is greylisted' : `${exception.rule}${where}`]);
  if (triple !== undefined) rows.push(...stepsOf(explanation, settings, now));
  rows.push(['answer', instead === undefined ? action : `${action} (it would be: ${instead})`]);
  return rows;
}

function stepsOf(explanation: Explanation, settings: FilterArguments, now: number): string[][] {
  const { triple, missing, autoWhitelist: list, record, release, left, verdict } = explanation;
  const hidden = settings.privacy ? ', --privacy' : '';
  const normalised = settings.senderKey === 'normalised' ? '--sender-key normalised' : 'as it is';
  const rows = [
    ['client key', `${visible(triple!.client)} (--client-key ${settings.clientKey}${hidden})`],
    ['sender key', `${visible(triple!.sender)} (${normalised}${hidden})`],
  ];
  if (missing) rows.push(['database', `${settings.db} does not exist yet`]);
  const { comeBacks, moreThan, lastSeen, expired } = list!;
  const needs = moreThan === 0 ? 'off (--auto-whitelist 0)' : `whitelisted with more than ${moreThan}`;
  const seen = lastSeen === 0 ? '' : `, last seen ${day(lastSeen)}${expired ? ', expired' : ''}`;
  rows.push(['auto-whitelist', `${plural(comeBacks, 'come-back')}${seen}; ${needs}`]);
  rows.push(['record', recordText(record, now)]);
  const text = {
    'auto-whitelisted': 'passes: the client is whitelisted',
    'old enough': `passes: first seen more than ${span(settings.delay)} ago (--delay)`,
    'too early': `too early: first seen no more than ${span(settings.delay)} ago (--delay)`,
    new: `new: deferred for ${span(settings.delay)} (--delay)`,
  }[verdict!];
  rows.push(['verdict', left > 0 ? `${text}, ${left} s left` : text]);
  if (release !== undefined) {
    const { until, ...selection } = release;
    const what = Object.entries(selection).map(([name, pattern]) => `--${name} ${visible(pattern)}`);
    rows.push(['release', `passes until ${localTime(until)}: ${what.join(' ')}`]);
  }
  return rows;
}

function recordText(record: Explanation['record'], now: number): string {
  if (record === undefined) return 'none';
  const { firstSeen, passed, lastPassed, deferrals, expired } = record;
  const first = `first seen ${localTimeAgo(firstSeen, now)}`;
  const last = passed ? `passed, last ${localTime(lastPassed)} or within the hour after` : 'waiting';
  const why = firstSeen > now ? 'the clock was set back' : 'expired';
  const counts = expired ? `; ${why}, so that it starts anew` : '';
  return `${first}, deferred ${plural(deferrals, 'time')}, ${last}${counts}`;
}
