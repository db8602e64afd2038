/** One connection to the agent's port for a copy: the engine opens the way and signs the token, the agent answers it. */
import type { Client } from '../../../client/client.ts';
import { ChunkPool } from '../../../copy/chunk-pool.ts';
import { CopyConnection } from '../../../copy/connection.ts';
import { dial } from '../../../copy/dial.ts';
import { TO_AGENT_PORT } from '../../../protocol/agent-port.ts';
import { encodeFrame } from '../../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import type { InputOf, OutputOf } from '../../../protocol/operations.ts';

export interface Way {
  readonly opened: OutputOf<'copy.open'>;
  readonly connection: CopyConnection;
  /** After the last words have gone out, or at once. */
  close(how: 'end' | 'destroy'): Promise<void>;
}

/** Errors: those of copy.open; CopyInterrupted where the device does not answer. */
export const openWay = async (
  client: Client,
  input: InputOf<'copy.open'>,
  interrupted: AbortSignal,
): Promise<Way> => {
  const over = new AbortController();
  const signal = AbortSignal.any([interrupted, over.signal]);
  const stream = client.stream('copy.open', input, signal);
  try {
    const first = await stream.next();
    if (first.done) throw new BorealisError('CANCELLED');
    const opened = first.value;
    // Asked for now: a stream that nobody waits for does not hear that it is over.
    const ended = stream.next();
    ended.catch(() => {}); // met below, if the way is opened at all
    const pool = new ChunkPool();
    const { socket, frames } = await dial(opened, pool, signal);
    socket.write(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(opened.token, 'latin1')));
    const connection = new CopyConnection({ socket, frames, pool, side: 'operator' });
    // The tunnel is gone, and the connection with it, though the network may not say so. An engine that stops leaves both.
    ended.catch((error: unknown) => {
      if (error instanceof BorealisError && error.code === 'TUNNEL_DOWN')
        socket.destroy(new Error('the tunnel was taken down'));
    });
    signal.addEventListener('abort', () => connection.give(new BorealisError('CANCELLED')), { once: true });
    return {
      opened,
      connection,
      close: async (how) => {
        if (how === 'end') await connection.end();
        over.abort();
        connection.destroy();
      },
    };
  } catch (error) {
    over.abort();
    throw error;
  }
};
