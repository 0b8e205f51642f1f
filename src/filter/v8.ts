// V8's flags: how much processor time it may spend on faster code, and how much memory. V8 is made for programs that run
// for long; a filter lives only as long as its smtpd process, which ends after 100 clients (max_use).

/** Requests after which the limits hold: V8 would begin to optimise after some 20. */
export const SOON = 10;
/** Requests after which a session counts as a long one. */
export const LONG = 2000;

/**
 * Returns a function to be called with each request.
 *
 * Optimising takes V8 longer than a short session gains by it, so only long sessions are optimised. And the space for
 * young objects, which V8 doubles up to 16 times under load, keeps its size: at one filter's rates more of it gains nothing.
 *
 * Set on the command line, the same flags make Node 20 and 22 start a quarter slower: with changed flags of V8 they do not
 * use the code of Node that was compiled when Node was built. And node:v8 loads node:stream, which a filter needs for nothing
 * else: so it is loaded after the first replies, and not at all in sessions of a few requests.
 */
export function newV8Limits(): () => void {
  let requests = 0;
  let setFlag: ((flag: string) => void) | undefined;

  function begin(): void {
    setFlag = (require('node:v8') as typeof import('node:v8')).setFlagsFromString;
    setFlag('--semi-space-growth-factor=1');
    if (requests >= LONG) return;
    setFlag('--no-opt');
    // Nor V8's quick compilers: without them, 100 filters on 2 cores answered some 10 % more, 20 of them 4 % (Node 20).
    setFlag('--no-maglev');
    setFlag('--no-sparkplug');
  }

  return () => {
    requests++;
    if (requests === SOON) setTimeout(begin, 0).unref();
    else if (requests === LONG) setFlag?.('--opt');
  };
}
