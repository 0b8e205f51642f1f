// Replies: the action of a deferral, and the action that adds a header to mail which was delayed. Whatever a request holds,
// a reply is one line of printable ASCII.
import { domainOf } from '../greylist/request.ts';

/** The action that leaves the decision to the restrictions that follow: "no objection", see access(5). */
export const DUNNO = 'dunno';

/**
 * A function that makes the action of a deferral from `--action` and `--text`, in which %s stands for the seconds
 * left, %d for the delay, %r for the recipient's domain and %% for a percent sign.
 */
export function newDeferral(
  action: string,
  text: string,
  delay: number,
): (left: number, recipient: string) => string {
  // access(5) takes a result of nothing but digits for OK.
  const alone = /^\d+$/.test(action) ? `${action} 4.7.1` : action;
  const withText = (filled: string) => (filled.trim() === '' ? alone : `${action} ${filled}`);
  if (!text.includes('%')) {
    const always = withText(text);
    return () => always;
  }
  return (left, recipient) => {
    const filled = text.replace(/%([sdr%])/g, (_, what: string) => {
      if (what === 's') return String(left);
      if (what === 'd') return String(delay);
      return what === 'r' ? domainOf(recipient).replace(/[^a-z0-9.-]/g, '') : '%';
    });
    return withText(filled);
  };
}

/**
 * A function that makes the action which adds the header to mail that was delayed, once a message: `instance` is the same
 * for all recipients of one message (SMTPD_POLICY_README). It returns undefined where the message has the header already.
 */
export function newHeader(
  hostname: string,
): (instance: string, delayed: number, now: number) => string | undefined {
  let last = '';
  return (instance, delayed, now) => {
    if (instance !== '' && instance === last) return undefined;
    last = instance;
    const date = new Date(now * 1000).toUTCString().replace('GMT', '+0000');
    return `prepend X-Greylist: delayed ${delayed} seconds by greylatch at ${hostname}; ${date}`;
  };
}
