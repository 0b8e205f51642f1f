// A module made and run by hand, as require() does it, so that V8 can be given, or asked for, what it makes of the text.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

/** The file where this very version of Node keeps what it has made of the module `main`. */
exports.compiledOf = (main) => `${main}-${process.version}-${process.arch}`;

/** The module `main`, whose text is ASCII. V8 takes `cachedData` where it is its own, of this text, and the flags are the same. */
exports.compile = function compile(main, cachedData) {
  const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(main, 'latin1')}\n})`;
  return new Script(text, { filename: main, cachedData });
};

exports.start = function start(script, main) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(main), module, main, dirname(main));
};
