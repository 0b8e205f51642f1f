// The policy request as the decision sees it: the few attributes that matter, as plain data.
// Nothing here knows how requests are read or where anything is stored.

/**
 * A policy request (SMTPD_POLICY_README), its attributes as latin1 strings (one character a byte, so that
 * bytes that are not ASCII pass through unharmed), '' where the request has none.
 */
export interface PolicyRequest {
  /** The value of `request=`: REQUEST_TYPE. */
  request: string;
  protocol_state: string;
  client_address: string;
  /** The name that resolves both ways, or `unknown`. */
  client_name: string;
  helo_name: string;
  sender: string;
  recipient: string;
  /** The same for all requests about one message. */
  instance: string;
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

/** The part behind the last `@`, in lower case; '' where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : address.slice(at + 1).toLowerCase();
}

/** Without the case of ASCII letters; other bytes are parts of characters, whose case is nobody's to change here. */
export function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
