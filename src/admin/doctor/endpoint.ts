// Whether smtpd asks where a policy service listens: the name in master.cf against the one in check_policy_service.
import path from 'node:path';
import { type Parameters, queueOf, type Service } from './postconf.ts';

/** The socket of a `unix` service: its private column decides the directory (master(5): yes by default). */
export function socketOf({ name, private: hidden }: Service, parameters: Parameters): string {
  return path.join(queueOf(parameters), hidden === 'n' ? 'public' : 'private', name);
}

/** The socket of a `unix:` or `local:` endpoint, relative to the queue directory; undefined for others. */
export function socketAt(endpoint: string, parameters: Parameters): string | undefined {
  const match = /^(?:unix|local):(.+)$/.exec(endpoint);
  return match === null ? undefined : path.resolve(queueOf(parameters), match[1]!);
}

/** Whether the endpoint leads to the service. */
export function leadsTo(endpoint: string, service: Service, parameters: Parameters): boolean {
  if (service.type === 'unix') return socketAt(endpoint, parameters) === socketOf(service, parameters);
  const asked = hostAndPort(endpoint.replace(/^inet:/, ''));
  const offered = hostAndPort(service.name);
  if (service.type !== 'inet' || !endpoint.startsWith('inet:') || asked.port !== offered.port) return false;
  return (
    offered.host === '' || asked.host === offered.host || (isLoopback(asked.host) && isLoopback(offered.host))
  );
}

/** `9998`, `127.0.0.1:9998`, `[::1]:9998`. */
export function hostAndPort(name: string): { host: string; port: string } {
  const match = /^(?:\[(.*)\]|(.*)):([^:]+)$/.exec(name);
  if (match === null) return { host: '', port: name };
  return { host: (match[1] ?? match[2] ?? '').toLowerCase(), port: match[3]! };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
