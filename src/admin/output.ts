// What commands print to standard output: facts as a line of JSON for programs, or text for people.

/** Prints an object as a line of JSON, and a text, which has its line ends, as it is. */
export function print(what: object | string): void {
  process.stdout.write(typeof what === 'string' ? what : `${JSON.stringify(what)}\n`);
}
