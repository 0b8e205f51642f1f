// Which mail is not greylisted, whatever is on record: that of authenticated users, of whitelisted clients, to excepted
// recipients and so on. Pure functions of a request and the settings.
import type { ClientList, ListEntry, RecipientList } from '../lists/lists.ts';
import { domainOfHost } from './name.ts';
import { domainOf, lower, type PolicyRequest } from './request.ts';
import { looksSuspicious } from './suspicious.ts';

export interface ExceptionSettings {
  /** Who is greylisted: everyone, or clients that do not look like a mail server. `observe` counts as `all`. */
  greylist: 'all' | 'suspicious' | 'observe';
  /** This server's host name, in lower case. */
  hostname: string;
  /** postmaster and abuse are never deferred. */
  roleAccounts: boolean;
  /** Recipients that are never deferred, in lower case: `name@domain`, or `name@` for any domain. */
  exceptRecipients: readonly string[];
  /** The administrator's files; undefined where there are none of the kind. */
  clientList: ClientList | undefined;
  recipientList: RecipientList | undefined;
  onlyList: RecipientList | undefined;
}

/** Why a request is not greylisted. */
export interface Exception {
  rule:
    | 'authenticated'
    | 'no mail yet'
    | 'client list'
    | 'recipient list'
    | 'not opted in'
    | 'role account'
    | 'excepted recipient'
    | 'not suspicious';
  entry?: ListEntry;
}

/**
 * States of the SMTP dialogue in which there is no mail to judge (SMTPD_POLICY_README, protocol_state, which does not name
 * XCLIENT: a proxy has said whom it is speaking for, and smtpd(8) looks at the client anew).
 */
const NO_MAIL = new Set(['CONNECT', 'HELO', 'EHLO', 'XCLIENT', 'VRFY', 'ETRN']);
const ROLES = new Set(['postmaster', 'abuse']);

/** The first exception that the request falls under; undefined: it is greylisted. */
export function exceptionFor(request: PolicyRequest, settings: ExceptionSettings): Exception | undefined {
  if (request.sasl_username !== '') return { rule: 'authenticated' }; // one of our own users: RFC 6647, section 5
  if (NO_MAIL.has(request.protocol_state)) return { rule: 'no mail yet' };
  const { client_name, client_address, recipient } = request;
  const client = settings.clientList?.match(client_name, client_address);
  if (client !== undefined) return { rule: 'client list', entry: client };
  const listed = settings.recipientList?.match(recipient);
  if (listed !== undefined) return { rule: 'recipient list', entry: listed };
  if (settings.onlyList !== undefined && settings.onlyList.match(recipient) === undefined)
    return { rule: 'not opted in' };
  if (settings.roleAccounts && ROLES.has(localPart(recipient))) return { rule: 'role account' };
  // Mostly there are none: it is not worth making the recipient lower case then.
  if (settings.exceptRecipients.length > 0 && isExcepted(recipient, settings.exceptRecipients))
    return { rule: 'excepted recipient' };
  if (
    settings.greylist === 'suspicious' &&
    !looksSuspicious(request, [domainOfHost(settings.hostname), domainOf(recipient)])
  )
    return { rule: 'not suspicious' };
  return undefined;
}

/** The part before the last `@`, or all of an address without one: Postfix accepts a bare `postmaster`. In lower case. */
function localPart(address: string): string {
  const at = address.lastIndexOf('@');
  return lower(at < 0 ? address : address.slice(0, at));
}

function isExcepted(recipient: string, excepted: readonly string[]): boolean {
  const whole = lower(recipient);
  return excepted.includes(whole) || excepted.includes(`${localPart(whole)}@`);
}
