// A record with its key read back, as commands read and change it. Types only; all texts are latin1.
import type { ClientRecord, TripleRecord } from '../records/record.ts';
import type { Triple } from '../store.ts';

/** A triple's record, or a client's own. */
export type Entry = TripleEntry | ClientEntry;
export type TripleEntry = { kind: 'triple' } & Triple & TripleRecord;
export type ClientEntry = { kind: 'client'; client: string } & ClientRecord;
