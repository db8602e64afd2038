/** One connection to the agent's port for a copy: the engine opens the way and signs the token, the agent answers it. */
import { connect, type Socket } from 'node:net';
import type { Client } from '../../../client/client.ts';
import { CopyConnection, CopyInterrupted, framesOf } from '../../../copy/connection.ts';
import { TO_AGENT_PORT } from '../../../protocol/agent-port.ts';
import { encodeFrame } from '../../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import type { InputOf, OutputOf } from '../../../protocol/operations.ts';

const CONNECT_MS = 10_000;

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
    const socket = await dial(opened, signal);
    socket.write(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(opened.token, 'latin1')));
    const connection = new CopyConnection({ socket, frames: framesOf(socket), side: 'operator' });
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

const dial = ({ address, port }: OutputOf<'copy.open'>, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(error);
    };
    const failed = ({ message }: Error): void =>
      fail(new CopyInterrupted(`the device does not answer: ${message}`));
    const abort = (): void => fail(new BorealisError('CANCELLED'));
    const timer = setTimeout(() => failed(new Error('no connection')), CONNECT_MS);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.off('error', failed);
      resolve(socket);
    });
  });
