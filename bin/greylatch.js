#!/usr/bin/env node
// The door: CommonJS, because an ES module as entry point costs Node 20 some 5 ms at every start. What V8 made of
// main.js when the package was installed (see precompile.js) is not made again: a sixth of the time to the first reply.
// It stands in its file twice, for V8 believes it: damage to it would make Node die, or never end. All in one file, for
// a second one costs every start 0.4 ms (of 25, Node 20).
const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const main = join(__dirname, '../dist/main.js');
if (require.main === module) {
  const code = compiled();
  if (code === undefined) require(main);
  else start(compile(code));
}

/** The file where this very version of Node keeps what it has made of main.js. */
function pathOfCompiled() {
  return `${main}-${process.version}-${process.arch}`;
}

/** undefined: there is none, or it is damaged. */
function compiled() {
  try {
    const twice = read(pathOfCompiled());
    const half = twice.length >> 1;
    const same = twice.compare(twice, half, 2 * half, 0, half) === 0;
    return same && twice.length === 2 * half && half > 0 ? twice.subarray(0, half) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * main.js, whose text is ASCII, as a module, so that V8 can be given, or asked for, what it makes of the text. It takes
 * `cachedData` where it is its own, of this text, and the flags are the same.
 */
function compile(cachedData) {
  const text = `(function (exports, require, module, __filename, __dirname) {${read(main).latin1Slice()}\n})`;
  return new Script(text, { filename: main, cachedData });
}

/** The whole file, by what main.js needs as well: `readFileSync` would be one thing more to be made ready. */
function read(path) {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafeSlow(fstatSync(fd).size);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function start(script) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, requireForMain, module, main, dirname(main));
}

/** What `createRequire(main)` makes would do it, but takes node:module. Packages are found from here as from there. */
function requireForMain(id) {
  return require(id.startsWith('./') ? join(dirname(main), id) : id);
}
requireForMain.resolve = require.resolve;

// For precompile.js, which does by hand what require() does.
module.exports = { main, pathOfCompiled, compile, start };
