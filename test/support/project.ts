// Where the checkout lies, for what stands beside src/ and test/: the program, its manual, master.cf.snippet.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
