// The journal is handed over when the engine is back, and the log is told: by one filter, once.
import { StoreError } from '../damage.ts';
import type { Lives } from '../store.ts';
import type { Client } from './client.ts';
import { merge } from './merge.ts';
import type { Note } from './messages.ts';

interface HandOverOptions {
  say: (level: Note['level'], text: string) => void;
  /** Where the engine is, for messages. */
  name: string;
  /** Called when the engine goes meanwhile; what is left is for the next time. */
  onTrouble: (error: unknown) => void;
}

/** A function that hands over what is in the journal at `path`. Throws nothing. */
export function newHandOver(
  client: Client,
  path: string,
  lives: Lives,
  { say, name, onTrouble }: HandOverOptions,
): () => Promise<void> {
  let busy = false;
  let said = ''; // of the journal itself

  async function handOverAll(): Promise<void> {
    const all = { merged: 0, refused: 0 };
    let any = false;
    for (;;) {
      const done = await merge(client, path, lives);
      if (done === undefined) break;
      any = true;
      all.merged += done.merged;
      all.refused += done.refused;
    }
    if (!any) return;
    const kept = all.refused > 0 ? `, ${all.refused} were refused: keys of ours hold something else` : '';
    say(
      'info',
      `the store ${name} is back; it has what was decided without it, ${all.merged} in number${kept}`,
    );
  }

  return async () => {
    if (busy) return;
    busy = true;
    try {
      await handOverAll();
    } catch (error) {
      if (!(error instanceof StoreError)) onTrouble(error);
      else if (error.message !== said) {
        said = error.message;
        say('err', `${said}; the fleet does not know of what this host has decided without it`);
      }
    } finally {
      busy = false;
    }
  };
}
