// Which clients do not look like a mail server, for --greylist suspicious. By the request alone; nothing is looked up.
import { kindOfName, withoutDot } from './name.ts';
import type { PolicyRequest } from './request.ts';

/** What a request says of who is asking. */
type Introduction = Pick<PolicyRequest, 'client_address' | 'client_name' | 'helo_name'>;

const LOCALHOST = /(?:^|\.)localhost$|(?:^|\.)localdomain$/;
/** The last label of a host name is never all digits (RFC 3696, section 2): this is an address, or a piece of one. */
const NUMBER_LAST = /(?:^|\.)[0-9]+$/;

/**
 * Whether a client does not look like a mail server: it has no verified name, or an access line's name, or says a HELO that
 * no mail server would say. `own`: the domains of this server and of the recipient, in lower case; a HELO that is one of
 * these, or below one, is a lie unless the client's verified name lies there too.
 * An address literal ([192.0.2.1]) is for clients without a name (RFC 5321, section 4.1.3). A client that has a verified
 * name and does not use it is no well-kept mail server, so it counts as suspicious; the price is one delay.
 */
export function looksSuspicious(client: Introduction, own: readonly string[]): boolean {
  const name = withoutDot(client.client_name.toLowerCase());
  if (name === '' || name === 'unknown') return true;
  const helo = withoutDot(client.helo_name.toLowerCase());
  if (isNoHostName(helo) || LOCALHOST.test(helo)) return true;
  if (own.some((domain) => isWithin(helo, domain) && !isWithin(name, domain))) return true;
  return kindOfName(name, client.client_address) === 'access line';
}

/** Whether it is empty, an address with or without brackets, or a single label. */
function isNoHostName(helo: string): boolean {
  return !helo.includes('.') || helo.startsWith('[') || helo.includes(':') || NUMBER_LAST.test(helo);
}

function isWithin(name: string, domain: string): boolean {
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}
