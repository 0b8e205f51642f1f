// The thread that asks the engine (worker.ts), as the filter's main thread has it: started, asked, and waited for.
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { monotonic } from '../../time/monotonic.ts';
import {
  type Answer,
  AWAY,
  LOADING,
  type Note,
  type Question,
  STATE,
  type ToWorker,
  WAKE,
  type WorkerData,
} from './messages.ts';
import { readSecrets } from './secrets.ts';

export interface ThreadOptions extends Omit<WorkerData, 'shared' | 'port' | 'secrets'> {
  /** Logs a message, e.g. that the engine is away, or back. */
  say: (level: Note['level'], text: string) => void;
}

export interface Thread {
  /** False where there is none, e.g. for want of a password, or as it has died: the engine is not asked. */
  isAlive(): boolean;
  /** Starts it, if that was not possible before, or it has died. To be called between requests. */
  retry(): void;
  /** See messages.ts. */
  state(): number;
  /** What is wrong with the engine, by what is known of it now. */
  trouble(): string;
  send(message: ToWorker): void;
  /** The answer to the question; undefined where there is none in time: then the engine counts as away. */
  ask(question: Question): Answer | undefined;
  end(): void;
}

/** How long the first request may wait for the thread to be loaded, in milliseconds; its own timeout begins after that. */
const LOADED = 5000;
/** The thread's space for young objects, in MB: it needs little, and this saves 10 MB a filter. */
const YOUNG = 1;

/**
 * After its first death it is started again at the next call of `retry`, then at the second, the fourth ..., at last at this one:
 * what kills each at its start (as dist/ is replaced, say) would take a tenth of a second's work each time.
 */
const RAREST = 64;

/** Throws nothing. */
export function startThread({ say, ...options }: ThreadOptions): Thread {
  const { address, timeout, passwordFile } = options;
  const shared = new Int32Array(new SharedArrayBuffer(8));
  let port: MessagePort | undefined;
  const state = () => Atomics.load(shared, STATE);
  let trouble = '';
  let alive = true;
  let worker: Worker | undefined;
  let deaths = 0;
  let rest = 0; // so many calls of `retry` do nothing
  begin();

  function begin(): void {
    try {
      const secrets = readSecrets(passwordFile, address.tls);
      const { port1, port2 } = new MessageChannel();
      port = port1;
      worker = new Worker(join(__dirname, 'fleet-worker.js'), {
        workerData: { shared, port: port2, secrets, ...options } satisfies WorkerData,
        transferList: [port2],
        // Captured, so that nothing that the thread prints reaches descriptor 1 or 2.
        stdout: true,
        stderr: true,
        env: {},
        execArgv: [],
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
      });
      worker.on('message', ({ level, text }: Note) => say(level, text));
      worker.on('error', (error) => {
        worker = undefined;
        rest = Math.min(2 ** deaths++, RAREST) - 1;
        gone(`its thread has died: ${error.message}`);
      });
      worker.unref();
      alive = true;
    } catch (error) {
      gone((error as Error).message);
    }
  }

  function gone(why: string): void {
    trouble = why;
    alive = false;
    Atomics.store(shared, STATE, AWAY);
  }

  /** The thread's next message, if there is one; it may be a late answer. */
  function received(): Answer | undefined {
    const answer = (port && receiveMessageOnPort(port))?.message as Answer | undefined;
    if (answer !== undefined && 'trouble' in answer) trouble = answer.trouble;
    return answer;
  }

  const send = (message: ToWorker) => worker?.postMessage(message);

  return {
    isAlive: () => alive,
    // The state remains AWAY, so no request waits for the thread to be loaded: it will say when the engine is there.
    retry() {
      if (worker === undefined && rest-- <= 0) begin();
    },
    state,
    trouble() {
      while (received() !== undefined);
      return trouble;
    },
    send,
    ask(question) {
      send(question);
      let loading = state() === LOADING;
      let end = monotonic() + (loading ? LOADED : timeout);
      for (;;) {
        const count = Atomics.load(shared, WAKE);
        for (let answer = received(); answer !== undefined; answer = received()) {
          if (answer.number === question.number) return answer;
        }
        if (loading && state() !== LOADING) {
          loading = false;
          end = monotonic() + timeout;
        }
        const left = end - monotonic();
        if (left <= 0) {
          trouble = `no answer within ${timeout} ms`;
          Atomics.store(shared, STATE, AWAY);
          send('late');
          return undefined;
        }
        Atomics.wait(shared, WAKE, count, left);
      }
    },
    end: () => void worker?.terminate(),
  };
}
