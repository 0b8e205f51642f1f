// The policy request as the decision sees it: the few attributes that matter, as plain data.
// Nothing here knows how requests are read or where anything is stored.

/**
 * A policy request (SMTPD_POLICY_README). Its attributes are latin1 strings (one character a byte, so that bytes which are
 * not ASCII pass through unharmed), '' where the request has no such attribute.
 */
export interface PolicyRequest {
  /** The value of `request=`: REQUEST_TYPE. */
  request: string;
  protocol_state: string;
  client_address: string;
  /** The name that resolves both ways, or `unknown`. */
  client_name: string;
  /** What the client said after HELO or EHLO; '' if it said nothing. */
  helo_name: string;
  /** '': the null sender, <>. It is a value like any other. */
  sender: string;
  /** '' where Postfix names none: before RCPT, and at DATA and END-OF-MESSAGE of mail to several. A value like any other. */
  recipient: string;
  /** The same for all requests about one message. */
  instance: string;
  /** '' unless the client has authenticated itself. */
  sasl_username: string;
}

/** What Postfix sends as `request=`; to anything else there is no reply. */
export const REQUEST_TYPE = 'smtpd_access_policy';

export function emptyRequest(): PolicyRequest {
  return {
    request: '',
    protocol_state: '',
    client_address: '',
    client_name: '',
    helo_name: '',
    sender: '',
    recipient: '',
    instance: '',
    sasl_username: '',
  };
}

/** The part after the last `@`, in lower case; '' where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : address.slice(at + 1).toLowerCase();
}

/** ASCII letters in lower case. Other bytes stay as they are: they are parts of characters. */
export function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
