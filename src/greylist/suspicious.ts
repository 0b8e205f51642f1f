// Which clients do not look like a mail server, for --greylist suspicious. From what the request says; no look-up.
import { looksLikeAccessLine, withoutDot } from './name.ts';

/** The attributes of a policy request (SMTPD_POLICY_README) that say who is asking. */
export interface Introduction {
  client_address: string;
  /** The verified name, `unknown` where there is none. */
  client_name: string;
  /** What the client said after HELO or EHLO, '' if it said nothing. */
  helo_name: string;
}

const LOCALHOST = /(?:^|\.)localhost$|(?:^|\.)localdomain$/;
/** The last label of a host name is never all digits (RFC 3696, section 2): this is an address, or a piece of one. */
const NUMBER_LAST = /(?:^|\.)[0-9]+$/;

/**
 * Whether a client does not look like a mail server: no verified name, a line's name, or a HELO that no mail server
 * would say. `own`: this server's host name and domains, in lower case; a HELO of one of these, or below one, is
 * false unless the client's verified name is there as well.
 * An address literal ([192.0.2.1]) is what RFC 5321, section 4.1.3 gives to a client that has no name. One that has a
 * verified name and does not say it is no well-kept mail server, so it counts as suspicious; the price is one delay.
 */
export function looksSuspicious(client: Introduction, own: readonly string[]): boolean {
  const name = withoutDot(client.client_name.toLowerCase());
  if (name === '' || name === 'unknown') return true;
  const helo = withoutDot(client.helo_name.toLowerCase());
  if (isNoHostName(helo) || LOCALHOST.test(helo)) return true;
  if (own.some((domain) => isWithin(helo, domain) && !isWithin(name, domain))) return true;
  return looksLikeAccessLine(name, client.client_address);
}

/** Nothing, an address with brackets or without, or one label alone. */
function isNoHostName(helo: string): boolean {
  return !helo.includes('.') || helo.startsWith('[') || helo.includes(':') || NUMBER_LAST.test(helo);
}

function isWithin(name: string, domain: string): boolean {
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}
