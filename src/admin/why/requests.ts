// The requests in a file that `why` is asked about, as Postfix writes them.
import { newDecoder } from '../../filter/protocol.ts';
import type { PolicyRequest } from '../../greylist/request.ts';
import { printable } from '../../log/log.ts';

/** Reads requests; the empty line after the last one may be missing. Throws an Error for the user. */
export function requestsIn(bytes: Buffer, name: string): PolicyRequest[] {
  const found: PolicyRequest[] = [];
  const wrong: string[] = [];
  const decode = newDecoder({
    request(request) {
      if (Object.values(request).some((value) => value !== '')) found.push({ ...request });
      return true;
    },
    garbage: (line) => void wrong.push(`a line is no attribute: ${printable(line)}`),
    tooLong: (what) => void wrong.push(`it has ${what}`),
    attribute: undefined,
  });
  const whole = Buffer.concat([bytes, Buffer.from('\n\n')]);
  decode(whole, whole.length);
  if (found.length > 0) return found;
  const reason = wrong[0] ?? 'it has no attributes';
  throw new Error(
    `${name} holds no policy request (${reason}); lines are name=value, as Postfix writes them`,
  );
}
