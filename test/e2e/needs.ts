// What these tests need of the machine: Postfix, which changes users, and so root.
import { suite } from '../support/needs.ts';

/** describe, if this machine can run a Postfix of our own. */
export function postfixSuite(name: string, body: () => void): void {
  suite(name, ['root', 'postfix', 'nobody'], body);
}
