// For --privacy: the keyed hash that is stored in place of an address. Without the key, all that it tells is which addresses
// are equal.
import { lower } from './request.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz012345';
const LENGTH = 15; // of five bits each: among a billion texts, two are taken for one with a chance of 1 in 75,000

/** Whether it has the form of one, which no address has. */
export function isPseudonym(client: string): boolean {
  return /^[a-z0-5]{15}$/.test(client);
}

/** A function that maps a text to its pseudonym, whatever the case of its ASCII letters; '' stays ''. */
export function newPseudonym(secret: Uint8Array): (text: string) => string {
  // Here, because no other filter needs it.
  const { createHmac } = require('node:crypto') as typeof import('node:crypto');
  return (text) => {
    if (text === '') return '';
    const digest = createHmac('sha256', secret).update(lower(text), 'latin1').digest();
    let name = '';
    for (let i = 0; i < LENGTH; i++) name += LETTERS.charAt(digest[i]! & 31);
    return name;
  };
}
