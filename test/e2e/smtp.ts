// A small SMTP client that can be anybody: XCLIENT makes Postfix believe the address and name it is told.
// It sends what it is told to send, and hands back code and text of every reply.
import net from 'node:net';

export interface Reply {
  code: number;
  /** Without the code, lines joined by \n. */
  text: string;
}

export interface SmtpSession {
  /** Sends a line, waits for the reply. */
  command(line: string): Promise<Reply>;
  mail(sender: string): Promise<Reply>;
  rcpt(recipient: string): Promise<Reply>;
  /** DATA with a small message; the reply to its end. */
  data(): Promise<Reply>;
  quit(): Promise<void>;
  /** Hangs up without a word. */
  drop(): void;
}

/** Who Postfix is to believe is calling. An address with a colon is an IPv6 one. */
export interface Caller {
  address: string;
  name?: string;
}

const PATIENCE = 60_000; // ms for one reply; a policy server that does not answer shows as this

export async function connect(host: string, port: number): Promise<SmtpSession> {
  const socket = net.connect({ host, port });
  socket.setNoDelay(true);
  const nextReply = readReplies(socket);
  const command = (line: string) => {
    socket.write(`${line}\r\n`);
    return nextReply(line);
  };
  const greeting = await nextReply('connection');
  if (greeting.code !== 220) throw new Error(`${host}:${port} greets with ${greeting.code} ${greeting.text}`);
  return {
    command,
    mail: (sender) => command(`MAIL FROM:<${sender}>`),
    rcpt: (recipient) => command(`RCPT TO:<${recipient}>`),
    async data() {
      const go = await command('DATA');
      return go.code === 354 ? command('Subject: test\r\n\r\nThis is a test.\r\n.') : go;
    },
    async quit() {
      await command('QUIT');
      socket.destroy();
    },
    drop: () => socket.destroy(),
  };
}

/** A session with a caller of our choice, after EHLO. */
export async function call(port: number, caller: Caller, host = '127.0.0.1'): Promise<SmtpSession> {
  const session = await connect(host, port);
  const { address, name = 'mail.example.com' } = caller;
  const claimed = address.includes(':') ? `IPV6:${address}` : address;
  await expectCode(session, 'EHLO test.example.com', 250);
  await expectCode(session, `XCLIENT ADDR=${claimed} NAME=${name} HELO=${name} PROTO=ESMTP`, 220);
  await expectCode(session, `EHLO ${name}`, 250);
  return session;
}

async function expectCode(session: SmtpSession, line: string, code: number): Promise<void> {
  const reply = await session.command(line);
  if (reply.code !== code) throw new Error(`${line}: ${reply.code} ${reply.text}`);
}

/** Returns the function that waits for the next reply, `to` being what it would answer. */
function readReplies(socket: net.Socket): (to: string) => Promise<Reply> {
  const replies: Reply[] = [];
  let lines: string[] = [];
  let rest = '';
  let ended: string | undefined;
  let wake = () => {};
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\r\n');
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line.slice(4));
      if (line[3] === '-') continue;
      replies.push({ code: Number(line.slice(0, 3)), text: lines.join('\n') });
      lines = [];
    }
    wake();
  });
  const end = (reason: string) => {
    ended ??= reason;
    wake();
  };
  socket.on('error', (error) => end(error.message));
  socket.on('close', () => end('connection closed'));
  return async (to) => {
    const timer = setTimeout(() => end(`no reply within ${PATIENCE / 1000} s`), PATIENCE);
    try {
      while (replies.length === 0 && ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
    const reply = replies.shift();
    if (reply === undefined) throw new Error(`${to}: ${ended}`);
    return reply;
  };
}
