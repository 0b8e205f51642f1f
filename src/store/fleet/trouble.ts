// Errors of the engine and of the connection to it: sorted, and in words that say what to do. Pure.

/** Whether the trouble is with one key only (it holds something else), and the engine is well. */
export function isOfOneKey(error: unknown): boolean {
  return /\bWRONGTYPE\b/.test(message(error));
}

/** Whether there was no connection; an earlier error says why. */
export function isNoConnection(error: unknown): boolean {
  return NO_CONNECTION.test(message(error));
}

/** Whether the engine, or a Sentinel, refuses the password. */
export function isRefusal(error: unknown): boolean {
  return REFUSAL.test(message(error));
}

/** Whether the engine is asked what it may not be asked: by its access list, or by rename-command. */
function isForbidden(error: unknown): boolean {
  return /NOPERM|ERR unknown command/i.test(message(error));
}

/** What `ask` returns; undefined where it is forbidden to ask. */
export async function ifAllowed<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** What is wrong and what to do. */
export function explain(error: unknown): string {
  const text = message(error);
  const found = ADVICE.find(([pattern]) => pattern.test(text));
  return found === undefined ? text : `${found[1]} (${text})`;
}

function message(error: unknown): string {
  const { message, code, lastNodeError } = error as NodeJS.ErrnoException & { lastNodeError?: Error };
  return (lastNodeError?.message || message || code || String(error)).replace(NOISE, '');
}

/** What nobody needs: the script and its arguments, and when a client tries again that is asked only once. */
const NOISE =
  / script: [0-9a-f]{40}.*$|, with args beginning with: .*$| Retrying from scratch after [\d.]+ms\./gs;

const NO_CONNECTION = /^(?!All sentinels).*(?:writeable|is closed|max retries per request)/;

const REFUSAL = /WRONGPASS|AUTH|invalid password|without any password/;

// Of an error that several match, the first one counts: what a Sentinel says comes within what is said of all.
const ADVICE: [RegExp, string][] = [
  [REFUSAL, 'the engine refuses the password; look at --store-password-file'],
  [
    /DB index/,
    'the engine has no such database; look at the number at the end of --store, and at databases in its configuration',
  ],
  [
    /NOPERM.*\bselect\b/i,
    "the engine's access list forbids to select the database; ACL SETUSER USER +select, or leave the number out of --store",
  ],
  [
    /NOPERM.*\bcluster\b/i,
    "the engine's access list forbids to ask where the Cluster's nodes are; ACL SETUSER USER +cluster",
  ],
  [
    /NOPERM|can't run this command/,
    "the engine's access list forbids it; ACL SETUSER USER ~gl* +get +set +del +exists +time +eval +evalsha, for commands also +scan",
  ],
  [/cluster support disabled/, 'it is no Cluster; write redis:// for one engine'],
  [/^MOVED\b/, 'it is one node of a Cluster; write redis+cluster://'],
  [
    /unknown command .sentinel/i,
    'it is no Sentinel; name Sentinels (port 26379), or write redis:// for the engine itself',
  ],
  [
    /No such master/i,
    'the Sentinels know no engine of that name; it stands after their addresses in --store',
  ],
  [/All sentinels are unreachable/, 'no Sentinel answers; look at --store, the network, the firewall'],
  [/None of startup nodes/, 'no node answers; do they run, and listen on these addresses?'],
  [/WRONGTYPE/, 'a key of ours holds something else; delete it, or use another database'],
  [/READONLY/, 'the engine is a replica, and replicas are read-only; name its master, or its Sentinels'],
  [/\bOOM\b/, 'the engine is full; raise its maxmemory, or set maxmemory-policy volatile-ttl'],
  [/MISCONF/, 'the engine cannot write to its own disk'],
  [/ECONNREFUSED/, 'nobody listens there; does the engine run, and listen on that address (bind)?'],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timed out|Socket timeout/,
    'no answer; look at the address, the network, the firewall, and with rediss:// whether it speaks TLS',
  ],
  [
    /ECONNRESET|EPIPE/,
    'it has closed the connection, as when it is ended or restarted; where it always does: as long as it asks for no password it serves only its own host (protected-mode); or is TLS wanted, rediss://?',
  ],
  [
    /DENIED|EPROTO|wrong version number/,
    'it closes the connection; as long as it asks for no password it serves only its own host (protected-mode); or is TLS wanted, rediss://?',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'the name is not known; look at --store and the DNS'],
  [/ENOENT|EACCES/, 'the socket cannot be opened; look at its path, and who may use it (unixsocketperm)'],
  [
    /alert.*(certificate|unknown ca)/i,
    'it does not believe our certificate; name one that it knows, ?cert=FILE&key=FILE',
  ],
  [
    /certificate has expired|not yet valid/i,
    'its certificate is out of date; renew it, or look at the clocks',
  ],
  [/certificate|self.signed|altnames/i, 'its certificate is not believed; name its authority, ?ca=FILE'],
  [NO_CONNECTION, 'no connection'],
  [/LOADING/, 'the engine is starting'],
  [/MASTERDOWN|CLUSTERDOWN/, 'no master is left'],
  [
    /ERR unknown (redis )?command|unsupported|struct/i,
    'the engine is too old, forbids scripts or a command (rename-command), or is a Sentinel, which is named by redis+sentinel://; Redis 6 or Valkey is needed',
  ],
];
