/** The body of a request: JSON, whole, and small. */
import type { IncomingMessage } from 'node:http';
import { BorealisError } from '../../protocol/errors.ts';

export const BODY_LIMIT = 65_536;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Errors: BODY_TOO_LARGE, INVALID_JSON. Time limits are the server's. */
export const readJson = async (request: IncomingMessage): Promise<unknown> => {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new BorealisError('INVALID_JSON', { detail: 'The content type is not application/json.' });
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT) throw tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  // Left early, the stream must stay: the refusal still has to travel on its socket.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_LIMIT) throw tooLarge();
    parts.push(part);
  }
  try {
    return JSON.parse(decoder.decode(Buffer.concat(parts)));
  } catch (cause) {
    throw new BorealisError('INVALID_JSON', { cause });
  }
};

const tooLarge = (): BorealisError =>
  new BorealisError('BODY_TOO_LARGE', { detail: `At most ${BODY_LIMIT} bytes are taken.` });
