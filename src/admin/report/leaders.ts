// The longest waits by name, of any number of names: beyond a bound, those that waited least are dropped. Pure.
import { lower } from '../../greylist/request.ts';
import type { Leader } from './facts.ts';

/** Exact while there are no more than `bound` names. */
export function newLeaders(bound = 50_000) {
  let leaders = new Map<string, Leader>();
  const sorted = () =>
    [...leaders.values()].sort((a, b) => b.waited - a.waited || (a.name < b.name ? -1 : 1));
  return {
    /** Adds a wait of so many mails (1), or, with 0, of a mail that was added with a part of it and waited `whole` in all. */
    add(name: string, wait: number, mails = 1, whole = wait): void {
      const leader = leaders.get(name);
      if (leader === undefined) {
        leaders.set(name, { name, mails, waited: wait, worst: whole });
        if (leaders.size > bound)
          leaders = new Map(
            sorted()
              .slice(0, bound / 2)
              .map((kept) => [kept.name, kept]),
          );
        return;
      }
      leader.mails += mails;
      leader.waited += wait;
      leader.worst = Math.max(leader.worst, whole);
    },
    /** The `count` names that waited longest in all. */
    top: (count: number): Leader[] => sorted().slice(0, count),
  };
}

/** The domain of an address in lower case: `<>` for the null sender, the whole text where there is no domain. */
export function senderDomainOf(address: string): string {
  if (address === '') return '<>';
  return lower(address.slice(address.lastIndexOf('@') + 1));
}
