// Where the engine is: the URL of --store, parsed. Pure; throws an Error that says what would be right.

export interface Host {
  host: string;
  port: number;
}

export interface Address {
  kind: 'single' | 'unix' | 'sentinel' | 'cluster';
  /** The engine, the Sentinels, or some nodes of the Cluster; empty for a socket. */
  hosts: Host[];
  /** The path of a unix socket, else ''. */
  path: string;
  /** What the Sentinels call the engine, else ''. */
  name: string;
  /** A user of the engine's access list (ACL); '': its default user. */
  user: string;
  db: number;
  /** Undefined: no TLS. Names of PEM files; undefined: the certificates that Node brings, no certificate of ours. */
  tls: { ca?: string; cert?: string; key?: string } | undefined;
}

const FORMS =
  'write redis://HOST:PORT/DB, rediss://HOST:PORT/DB for TLS, redis+unix:///PATH?db=DB, ' +
  'redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB or redis+cluster://HOST:PORT,HOST:PORT';
const SCHEME = /^(rediss?|valkeys?)(?:\+(unix|sentinel|cluster))?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/;
const PORTS = { single: 6379, unix: 0, sentinel: 26_379, cluster: 6379 };
const TLS_FILES = ['ca', 'cert', 'key'] as const;

/** Parses the URL; `valkey://` and `valkeys://` are understood too. Refuses a password in it: `ps` would show that. */
export function readAddress(url: string): Address {
  const match = SCHEME.exec(url);
  if (match === null) throw new Error(`not the address of a store; ${FORMS}`);
  const [, scheme, form, authority = '', path = '', query = ''] = match;
  const kind = (form ?? 'single') as Address['kind'];
  const at = authority.lastIndexOf('@');
  const user = at < 0 ? '' : authority.slice(0, at);
  if (user.includes(':'))
    throw new Error(
      'a password in the URL is seen by everybody (ps); name a file with --store-password-file',
    );
  const secure = scheme!.endsWith('ss') || scheme === 'valkeys';
  const given = new URLSearchParams(query);
  for (const name of given.keys()) {
    if (name === 'db' && kind === 'unix') continue;
    if (!secure || !TLS_FILES.some((file) => file === name))
      throw new Error(`?${name}=: no such setting; ${FORMS}`);
  }
  const hosts = kind === 'unix' ? [] : readHosts(authority.slice(at + 1), PORTS[kind]);
  if (kind === 'single' && hosts.length > 1)
    throw new Error(`redis:// is for one engine, and only the first would ever be asked; ${FORMS}`);
  const [name, db] = readPath(kind, path, given.get('db'));
  return {
    kind,
    hosts,
    path: kind === 'unix' ? decoded(path) : '',
    name,
    user: decoded(user),
    db,
    tls: secure
      ? Object.fromEntries(TLS_FILES.flatMap((n) => (given.has(n) ? [[n, given.get(n)!]] : [])))
      : undefined,
  };
}

function readHosts(text: string, port: number): Host[] {
  return text.split(',').map((word) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(word);
    if (match === null || Number(match[3] ?? port) > 65_535)
      throw new Error(`${word === '' ? 'no host' : `${word}: not a host`}; ${FORMS}`);
    return { host: (match[1] ?? match[2])!, port: Number(match[3] ?? port) };
  });
}

/** The engine's name among the Sentinels, and the number of the database. */
function readPath(kind: Address['kind'], path: string, given: string | null): [name: string, db: number] {
  if (kind === 'unix') {
    if (path.length < 2) throw new Error(`no path of a socket; ${FORMS}`);
    return ['', number(given ?? '0')];
  }
  const parts = path.replace(/\/$/, '').split('/').slice(1);
  if (kind === 'cluster' && parts.some((part) => part !== '' && part !== '0'))
    throw new Error('a Cluster has no databases but 0; leave the number out');
  const name = kind === 'sentinel' ? decoded(parts.shift() ?? '') : '';
  if (kind === 'sentinel' && name === '') throw new Error(`no name that the Sentinels know; ${FORMS}`);
  if (parts.length > 1) throw new Error(`${path}: too long; ${FORMS}`);
  return [name, number(parts[0] || '0')];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`${text}: a percent sign is written %25; ${FORMS}`);
  }
}

function number(word: string): number {
  if (!/^\d{1,5}$/.test(word)) throw new Error(`${word}: not the number of a database; ${FORMS}`);
  return Number(word);
}

/** The address in words, for messages. */
export function nameOf({ kind, hosts, path, name }: Address): string {
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  if (kind === 'unix') return path;
  return kind === 'sentinel' ? `${name} of the Sentinels ${list}` : list;
}
