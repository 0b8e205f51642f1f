#!/usr/bin/env node
// The door: CommonJS, because an ES module as entry point costs Node 20 some 5 ms at every start.
require('../dist/main.js');
