// The policy request as the decision sees it: the few attributes that matter, as plain data.
// Nothing here knows how requests are read or where anything is stored.

/**
 * A policy request (SMTPD_POLICY_README), its attributes as latin1 strings (one character a byte, so that
 * bytes that are not ASCII pass through unharmed), '' where the request has none.
 */
export interface PolicyRequest {
  /** The value of `request=`; Postfix sends `smtpd_access_policy`. */
  request: string;
  client_address: string;
  sender: string;
  recipient: string;
  sasl_username: string;
}

/** What greylisting keys on: who sends (the SMTP client's address), from whom, to whom. */
export interface Triple {
  client: string;
  sender: string;
  recipient: string;
}

export function emptyRequest(): PolicyRequest {
  return { request: '', client_address: '', sender: '', recipient: '', sasl_username: '' };
}

export function tripleOf(request: PolicyRequest): Triple {
  return { client: request.client_address, sender: request.sender, recipient: request.recipient };
}
