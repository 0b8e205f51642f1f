// What V8 may spend on this process: of a processor's time to make code faster, and of memory. It is made for programs
// that run for long; a filter lives as long as an smtpd process, which takes its leave after 100 clients (max_use).

/** Requests after which thrift begins: V8 would begin to optimise after some 20. */
export const SOON = 10;
/** Requests after which a session counts as a long one. */
export const LONG = 2000;

/**
 * Returns what is to be told of each request.
 *
 * Optimised code takes V8 longer to make than a short session gains by it; it is made in long ones only. And the space for
 * young objects, which V8 doubles up to 16 times under load, at one filter's rates for nothing, stays as it is.
 *
 * The same flags on the command line cost Node 20 and 22 a quarter of the start: with V8's flags changed they do not believe
 * what was compiled of Node itself when Node was built. And node:v8 brings node:stream, for which a filter has no other need:
 * it is loaded behind the replies, and not in sessions that hardly ask anything.
 */
export function newThrift(): () => void {
  let requests = 0;
  let setFlag: ((flag: string) => void) | undefined;

  function begin(): void {
    setFlag = (require('node:v8') as typeof import('node:v8')).setFlagsFromString;
    setFlag('--semi-space-growth-factor=1');
    if (requests >= LONG) return;
    setFlag('--no-opt');
    // Nor such code as is made quickly: without it, 100 filters on 2 cores answered some 10 % more, 20 of them 4 % (Node 20).
    setFlag('--no-maglev');
    setFlag('--no-sparkplug');
  }

  return () => {
    requests++;
    if (requests === SOON) setTimeout(begin, 0).unref();
    else if (requests === LONG) setFlag?.('--opt');
  };
}
