// npm run build: one bundle for each way through the program, so that a start reads only what it needs.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import './greylist/suffixes.build.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const { metafile } = await build({
  entryPoints: {
    main: 'src/main.ts', // every filter
    words: 'src/cli/words.ts', // a command line that is not in its plain form
    pool: 'src/greylist/pool.ts', // --client-key pool
    lists: 'src/lists/lists.ts', // --whitelist-clients and the like
    fleet: 'src/store/fleet/fleet.ts', // --store
    'fleet-worker': 'src/store/fleet/worker.ts', // its thread
    'fleet-admin': 'src/store/fleet/admin.ts', // --store of an administrator's command
    commands: 'src/admin/run.ts', // an administrator's command
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
    './words.js',
    './lists.js',
    './fleet.js',
    './fleet-admin.js',
  ],
  metafile: true,
  logLevel: 'warning',
});

// The licences of all that is bundled, as their authors ask.
const bundled = Object.keys(metafile.inputs).map(
  (file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1],
);
const licences = [...new Set(bundled)].sort().flatMap((folder) => {
  const file = ['LICENSE', 'LICENSE.txt', 'LICENSE.md', 'license']
    .map((name) => `${folder}/${name}`)
    .find(existsSync);
  return file === undefined
    ? []
    : [`${folder.replace(/^.*node_modules\//, '')}\n\n${readFileSync(file, 'utf8').trim()}\n`];
});
writeFileSync(`${dist}LICENSES`, licences.join(`\n${'-'.repeat(72)}\n\n`));

writeFileSync(`${dist}greylatch.8`, execFileSync(process.execPath, [`${dist}manual.js`]));

// V8 checks compiled code against the text's length only, so none that was compiled of an older text may stay.
for (const name of readdirSync(dist)) if (name.startsWith('main.js-')) rmSync(`${dist}${name}`);
// The build is good without it.
spawnSync(process.execPath, [fileURLToPath(new URL('../bin/precompile.js', import.meta.url))], {
  stdio: 'inherit',
});
