// npm run build: one bundle for each way through the program, so that a start reads only what it needs.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import './greylist/suffixes.build.mjs';

const dist = new URL('../dist/', import.meta.url).pathname;

await build({
  entryPoints: {
    main: 'src/main.ts', // every filter
    pool: 'src/greylist/pool.ts', // --client-key pool
    fleet: 'src/store/fleet/fleet.ts', // --store
    'fleet-worker': 'src/store/fleet/worker.ts', // its thread
    commands: 'src/cli/commands.ts', // an administrator's command
    manual: 'src/manual/main.ts', // only here
  },
  outdir: dist,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  define: { 'import.meta.url': '__filename' },
  alias: { 'yargs-parser': 'yargs-parser/browser' },
  external: [
    'lmdb',
    '@lmdb/*',
    'yargs',
    'node-unix-socket',
    'node-gyp-build-optional-packages',
    './commands.js',
    './pool.js',
    './fleet.js',
  ],
  logLevel: 'warning',
});

writeFileSync(`${dist}greylatch.8`, execFileSync(process.execPath, [`${dist}manual.js`]));
