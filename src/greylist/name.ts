// What kind of client a verified name suggests: a mail server, an access line (or rented machine) that its network names by
// number, or neither. By words and digits only: no list of networks, no look-up. Pure.
import { parseAddress } from './address.ts';
import { addressIn } from './digits.ts';

type NameKind = 'mail server' | 'access line' | 'neither';

/** Words that are enough for an access line. */
const ACCESS = words(
  'dsl dhcp dialup dialin pppo dynamic dynip broadband bredband catv ftt[hbpx] gpon wimax cgnat modem ' +
    'customer subscriber residential abonent dclient',
  'i?dyn[a-z]? in-addr ppp dial isdn pools? ippool cable cab cpe cpc custs? clients? clientes? clientlan subs abo ' +
    'users? usr hsia hsd hfc gprs umts cdma lte apn ip(?:ad|bf|ngn)[a-z]? wifi wlan wireless wless hotspot cgn resnet bbcust',
);
/** Words that are enough only in a name that also contains part of its address, or a number of three digits. */
const MAYBE = words(
  'static fib(?:er|re|ra) reverse mobile',
  'fixed fixip ips? rev revip host home res retail mob nat lan access bb cm red unknown unassigned unused clt ' +
    'residencial',
);
/** Words for a rented machine: it is one customer's, though its name is the hoster's. */
const RENTED = words(
  'vserver dedicated compute cloudapp',
  'vps vds kvm vmi dedi members colo hosted instance droplet',
);
const MAIL = words(
  'mail smtp relay outbound outgoing sender bounce newsletter fep mtas?(?![a-z]) out(?![a-z]) mx(?![a-z])',
  'mx[a-z]? mta[a-z]* lists? posta? correo correio poczta pochta exchange exim postfix zimbra imap mgw mout[a-z]* ' +
    'deliver[a-z]* send',
);
/** The same within the domain itself (mailgun.net, iphmx.com), where they count for less. */
const MAIL_DOMAIN = /mail|smtp|send|bounce|newsletter|mx\./;

const MAYBE_LABEL = /^(?:static|fiber|fibre|fibra|mobile|home|nat|unassigned|unused|reverse|rev)[-0-9]*\./;
/** A first label that is a number: h2789123, or a hardware address. */
const NUMBERED_LABEL = /^[a-z]{0,4}[0-9]{6,}\.|^[a-z]{0,3}(?=[a-f]{0,11}[0-9])[0-9a-f]{12,}\./;
const SERIAL = /[0-9]{3}|[0-9][a-f]|[a-f][0-9]/;

/** Second labels of registries, as in co.uk: good enough to find where the owner's own labels begin. */
const REGISTRY = /^(?:com?|net?|org?|edu?|ac|go[bv]?|ad|gr|ed|mil|nom|info|biz|ltd|plc|sch|asso|gouv)$/;

/**
 * The kind of client that a name suggests. `name` is a *verified* client_name (SMTPD_POLICY_README: it resolves both ways);
 * `unknown`, an empty name and one without a dot are 'neither'.
 */
export function kindOfName(name: string, address: string): NameKind {
  const lower = name.toLowerCase();
  if (lower.indexOf('.') <= 0) return 'neither';
  const own = lower.slice(0, domainStart(lower)); // homedepot.com and cable.tv may call themselves so
  const bytes = parseAddress(address);
  const shown = bytes === undefined ? 0 : addressIn(lower, bytes);
  const mail = MAIL.test(own);
  if (ACCESS.test(own)) return mail && shown < 3 ? 'neither' : 'access line';
  // Some large senders name their servers mail-192-0-2-1.example.net; with a word for lines as well, it is a line.
  if (shown >= 3) return mail && !MAYBE.test(own) && !RENTED.test(own) ? 'mail server' : 'access line';
  const rented = RENTED.test(own);
  if (mail) return rented ? 'neither' : 'mail server';
  if (shown === 2 && !MAIL_DOMAIN.test(lower)) return 'access line';
  if ((rented || MAYBE.test(own)) && SERIAL.test(own)) return 'access line';
  if (MAYBE_LABEL.test(own) || NUMBERED_LABEL.test(own)) return 'access line';
  return MAIL_DOMAIN.test(lower) && !rented ? 'mail server' : 'neither';
}

/** The domain that a host's name, in lower case, lies in; the name itself where it is one, or has no dot. */
export function domainOfHost(name: string): string {
  return name.slice(domainStart(name));
}

function domainStart(name: string): number {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  const top = name.lastIndexOf('.', end - 1);
  const second = name.lastIndexOf('.', top - 1);
  if (end - top > 3 || !REGISTRY.test(name.slice(second + 1, top))) return second + 1;
  return name.lastIndexOf('.', second - 1) + 1;
}

/**
 * Finds one of `anywhere`, also inside longer words (dynamicip, dslb), or one of `whole` with no letter beside it: dyn in
 * dyn-12, dyn12, 12.dyn.
 */
function words(anywhere: string, whole: string): RegExp {
  const any = (list: string) => list.replaceAll(' ', '|');
  return new RegExp(`${any(anywhere)}|(?<![a-z])(?:${any(whole)})(?![a-z])`);
}

/** A host name without the dot that may stand at its end. */
export function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
