// The triple of a request: client, sender and recipient as --client-key, --sender-key and --privacy want them. Pure.
import type { Triple } from '../store/store.ts';
import { type ClientKeySettings, clientKeyOf } from './client.ts';
import type { PolicyRequest } from './request.ts';
import { normaliseSender } from './sender.ts';

export interface TripleSettings extends ClientKeySettings {
  senderKey: 'exact' | 'normalised';
  /** What is stored in place of a text, for --privacy; undefined: the text itself. */
  pseudonym: ((text: string) => string) | undefined;
}

export function tripleOf(request: PolicyRequest, settings: TripleSettings): Triple {
  const { senderKey, pseudonym } = settings;
  const client = clientKeyOf(request.client_address, request.client_name, settings);
  const sender = senderKey === 'exact' ? request.sender : normaliseSender(request.sender);
  const { recipient } = request;
  if (pseudonym === undefined) return { client, sender, recipient };
  return { client: pseudonym(client), sender: pseudonym(sender), recipient: pseudonym(recipient) };
}
