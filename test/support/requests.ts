// Policy requests as Postfix 3.7 writes them at RCPT: all attributes, in its order, about 800 bytes.
// Give values to change an attribute, undefined to leave one out.

export type Attributes = Record<string, string | undefined>;

const usual: Record<string, string> = {
  request: 'smtpd_access_policy',
  protocol_state: 'RCPT',
  protocol_name: 'ESMTP',
  client_address: '192.0.2.17',
  client_name: 'mail-out-17.example.org',
  client_port: '48124',
  reverse_client_name: 'mail-out-17.example.org',
  server_address: '198.51.100.25',
  server_port: '25',
  helo_name: 'mail-out-17.example.org',
  sender: 'Ann.Sender+news@example.org',
  recipient: 'bob.recipient@example.net',
  recipient_count: '0',
  queue_id: '',
  instance: '3f21.65a1b2c3.d4e5f.0',
  size: '24817',
  etrn_domain: '',
  stress: '',
  sasl_method: '',
  sasl_username: '',
  sasl_sender: '',
  ccert_subject: '',
  ccert_issuer: '',
  ccert_fingerprint: '3A:41:0C:9F:72:1E:55:D0:88:6B:E3:17:CA:29:F4:0D',
  ccert_pubkey_fingerprint: 'B4:63:11:7D:0A:E8:92:5C:3F:D6:48:A1:9E:27:70:CB',
  encryption_protocol: 'TLSv1.3',
  encryption_cipher: 'TLS_AES_256_GCM_SHA384',
  encryption_keysize: '256',
  policy_context: '',
};

/** Name and value pairs, in Postfix's order; names that Postfix does not have come last. */
export function attributes(changes: Attributes = {}): [string, string][] {
  const all: Attributes = { ...usual, ...changes };
  return Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
}

export function policyRequest(changes: Attributes = {}): string {
  return `${attributes(changes)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}\n`;
}

/** The short form, for tests that count requests by the ten thousand. */
export function shortRequest(client: string, sender: string, recipient: string): string {
  return (
    `request=smtpd_access_policy\nclient_address=${client}\n` + `sender=${sender}\nrecipient=${recipient}\n\n`
  );
}

export const deferred = 'action=defer_if_permit Service is unavailable';
export const dunno = 'action=dunno';
