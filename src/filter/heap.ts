// What V8 may keep of memory that it does not need, and would not give back.

/** Milliseconds after the first reply, for what only long sessions gain from. */
export const AFTER_START = 50;

/**
 * Has V8 leave its space for young objects at the size that it has. It doubles it up to 16 times under load, at one
 * filter's rates for nothing. `node --max-semi-space-size=1` does the same, and costs Node 20 and 22 a quarter of the
 * start: with V8's flags changed they do not believe what was compiled of Node itself when Node was built. That is why
 * this is for a moment after the first reply. What Node itself loads afterwards takes longer; node:v8 brings node:stream,
 * which a filter has no other need for.
 */
export function keepYoungSmall(): void {
  (require('node:v8') as typeof import('node:v8')).setFlagsFromString('--semi-space-growth-factor=1');
}
