#!/usr/bin/env node
// The door: CommonJS, because an ES module as entry point costs Node 20 some 5 ms at every start. What V8 made of
// main.js when the package was installed (see precompile.js) is not made again: a tenth of the time to the first reply.
// It stands in its file twice, for V8 believes it: damage to it would make Node die, or never end.
const { readFileSync } = require('node:fs');
const { compile, compiledOf, start } = require('./script.js');

const main = require.resolve('../dist/main.js');
const code = compiled();
if (code === undefined) require(main);
else start(compile(main, code), main);

/** undefined: there is none, or it is damaged. */
function compiled() {
  try {
    const twice = readFileSync(compiledOf(main));
    const half = twice.length >> 1;
    const same = twice.compare(twice, half, 2 * half, 0, half) === 0;
    return same && twice.length === 2 * half && half > 0 ? twice.subarray(0, half) : undefined;
  } catch {
    return undefined;
  }
}
