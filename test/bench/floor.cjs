// The floor of the bench: what a policy filter on Node costs that does nothing. Answers dunno to every request,
// reads as Node's manual has it (a socket's `onread` and one buffer), writes as greylatch does, and stores nothing.
const { writeSync } = require('node:fs');
const { Socket } = require('node:net');

const buffer = Buffer.allocUnsafeSlow(16384);
const NEWLINE = 10;
let previous = 0;

const socket = new Socket({ fd: 0, readable: true, writable: false, onread: { buffer, callback: take } });
socket.on('end', () => process.exit(0)).on('error', () => process.exit(0));

/** A request ends with an empty line: two newlines one after the other, perhaps in two chunks. */
function take(length) {
  for (let i = 0; i < length; i++) {
    const c = buffer[i];
    if (c === NEWLINE && previous === NEWLINE) {
      writeSync(1, 'action=dunno\n\n');
      previous = 0;
    } else previous = c;
  }
  return true;
}
