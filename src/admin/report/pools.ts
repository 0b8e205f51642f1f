// Mails that moved from client to client until one of these was known for long enough, and what other client keys would have
// made of them. Pure.
import type { Mail } from '../history/mails.ts';
import { classesOf, firstPass, type Sights } from '../history/replay.ts';
import type { Triples } from '../history/triples.ts';
import type { PoolDomain, Pools } from './facts.ts';
import { senderDomainOf } from './leaders.ts';

export function newPools(triples: Triples, delay: number, retryWindow: number) {
  const sums = { mails: 0, waited: 0, savedBySubnet: 0, savedByPool: 0, neverPassed: 0 };
  const domains = new Map<string, PoolDomain>();

  function count(mail: Mail, name: string, saved: number): void {
    const wait = mail.pass - mail.start;
    sums.mails++;
    sums.waited += wait;
    const domain = domains.get(name) ?? { name, mails: 0, clients: 0, waited: 0, saved: 0 };
    domains.set(name, domain);
    domain.mails++;
    domain.clients += mail.triples.length;
    domain.waited += wait;
    domain.saved += saved;
  }

  return {
    /** The mails of one sender and recipient that came from several clients, in the order of time. */
    add(mails: readonly Mail[], sender: string): void {
      if (!mails.some(({ pass }) => pass > 0)) {
        sums.neverPassed++;
        return;
      }
      const { subnet, pool } = classesOf(triples, mails);
      const bySubnet: Sights = new Map();
      const byPool: Sights = new Map();
      for (const mail of mails) {
        const subnetPass = firstPass(mail, subnet, bySubnet, delay, retryWindow)?.at ?? mail.pass;
        const poolPass = firstPass(mail, pool, byPool, delay, retryWindow)?.at ?? mail.pass;
        if (mail.pass === 0) continue;
        sums.savedBySubnet += mail.pass - subnetPass;
        sums.savedByPool += mail.pass - poolPass;
        if (mail.triples.length > 1) count(mail, senderDomainOf(sender), mail.pass - poolPass);
      }
    },
    pools(most: number): Pools {
      const list = [...domains.values()].sort((a, b) => b.saved - a.saved || b.waited - a.waited);
      const average = (domain: PoolDomain) => ({ ...domain, clients: domain.clients / domain.mails });
      return { ...sums, domains: list.slice(0, most).map(average) };
    },
  };
}
