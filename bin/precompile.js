// Run by npm, when the package is installed, or by hand (npm 12 blocks it; see README.md): has main.js answer some
// requests, and keeps what V8 has compiled meanwhile beside it. Another version of Node, or other flags, take no notice
// of it. Where it cannot be made, nothing is lost but time: npm is not told, who runs it by hand is.
const { spawnSync } = require('node:child_process');
const {
  chmodSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { main, pathOfCompiled, compile, start } = require('./greylatch.js');

// Those of master.cf.snippet: V8 asks for the same ones.
const FLAGS = ['--v8-pool-size=1'];

if (process.argv.length > 2) asFilter();
else if (existsSync(main)) {
  try {
    precompile();
  } catch (error) {
    // a directory that cannot be written, say
    if (process.env.npm_lifecycle_event === undefined) {
      process.stderr.write(`greylatch: cannot make ${pathOfCompiled()}: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
}

function precompile() {
  const unfinished = `${pathOfCompiled()}.new`;
  rmSync(pathOfCompiled(), { recursive: true, force: true });
  writeFileSync(unfinished, '');
  chmodSync(unfinished, statSync(main).mode & 0o777); // root's umask may shut out the filters
  const scratch = mkdtempSync(join(tmpdir(), 'greylatch-'));
  const request = (recipient) =>
    `request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.1\nclient_name=mail.example.com\n` +
    `sender=a@example.com\nrecipient=${recipient}@example.net\ninstance=1\nsasl_username=\n\n`;
  try {
    const words = ['--db', join(scratch, 'greylist.mdb'), '--log', 'none', '--delay', '0'];
    spawnSync(process.execPath, [...FLAGS, __filename, ...words], {
      input: ['b', 'c', 'b', 'd', 'c'].map(request).join(''),
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH },
      timeout: 30_000,
    });
    if (!existsSync(pathOfCompiled())) throw new Error('the filter does not end well');
  } finally {
    rmSync(unfinished, { force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * A filter like any other, but for what it leaves behind. Should it change V8's flags (see src/filter/v8.ts), they
 * would be kept with the code, and no later process would take it.
 */
function asFilter() {
  require('node:v8').setFlagsFromString = () => {};
  const script = compile();
  process.once('exit', () => {
    const code = script.createCachedData();
    writeFileSync(`${pathOfCompiled()}.new`, Buffer.concat([code, code]));
    renameSync(`${pathOfCompiled()}.new`, pathOfCompiled());
  });
  start(script);
}
