/** Two ends of a copy in one process, over a real socket. */
import { once } from 'node:events';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { CopyConnection, CopyInterrupted } from '../../src/copy/connection.ts';
import type { CopyWatch } from '../../src/copy/problems.ts';
import { type ReceiveMemory, receiveTree } from '../../src/copy/receive.ts';
import { type SendMemory, sendTree } from '../../src/copy/send.ts';
import type { Source } from '../../src/copy/source.ts';
import { type AgentPortFrame, readFrames } from '../../src/protocol/agent-port-codec.ts';
import type { CopyProblem } from '../../src/protocol/copy.ts';

export class Scratch {
  readonly root = mkdtempSync(join(tmpdir(), 'borealis-copy-'));

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Last words go out, so the socket is not destroyed when its frames are not read to their end. */
export const framesOf = (socket: Socket): AsyncIterable<AgentPortFrame> =>
  readFrames(socket.iterator({ destroyOnReturn: false }));

/** Both ends of one connection. */
export const socketPair = async (scratch: Scratch): Promise<[Socket, Socket]> => {
  const path = scratch.path(`s${process.hrtime.bigint()}`);
  const server = createServer({ allowHalfOpen: true });
  server.listen(path);
  await once(server, 'listening');
  const near = connect({ path, allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return [near, far];
};

export interface Seen extends CopyWatch {
  readonly files: string[];
  readonly skipped: string[];
  readonly problems: CopyProblem[];
  movedBytes: number;
  keptBytes: number;
}

export const watching = (): Seen => {
  const seen: Seen = {
    files: [],
    skipped: [],
    problems: [],
    movedBytes: 0,
    keptBytes: 0,
    began() {},
    found() {},
    counted() {},
    moved(bytes) {
      seen.movedBytes += bytes;
    },
    kept(bytes) {
      seen.keptBytes += bytes;
    },
    done(entry, skipped) {
      (skipped ? seen.skipped : seen.files).push(entry.path);
    },
    problem(problem) {
      seen.problems.push(problem);
    },
  };
  return seen;
};

export interface Attempt {
  readonly scratch: Scratch;
  readonly sources: readonly Source[];
  readonly to: string;
  readonly names?: readonly string[];
  readonly sendMemory?: SendMemory;
  readonly receiveMemory?: ReceiveMemory;
  readonly patienceMs?: number;
  /** What the receiver gets of what was sent, and when the line is cut. */
  readonly between?: (
    frames: AsyncIterable<AgentPortFrame>,
    cut: () => void,
  ) => AsyncIterable<AgentPortFrame>;
}

export interface Outcome {
  readonly sent: { readonly error?: unknown };
  readonly received: { readonly error?: unknown };
  readonly sender: Seen;
  readonly receiver: Seen;
}

export const newSendMemory = (): SendMemory => ({ settled: new Set(), into: null });

/** One connection's worth of a copy; what each end came to. */
export const attempt = async (one: Attempt): Promise<Outcome> => {
  const { scratch, sources, to, between = (frames) => frames } = one;
  const [near, far] = await socketPair(scratch);
  const cut = (): void => {
    near.destroy();
    far.destroy();
  };
  const sending = new CopyConnection({ socket: near, frames: framesOf(near), side: 'operator' });
  const receiving = new CopyConnection({ socket: far, frames: between(framesOf(far), cut), side: 'agent' });
  const [sender, receiver] = [watching(), watching()];
  const ended = (connection: CopyConnection) => (error: unknown) => {
    connection.destroy();
    return { error };
  };
  const memory = one.sendMemory ?? newSendMemory();
  const [sent, received] = await Promise.all([
    sendTree({ connection: sending, sources, watch: sender, memory }).then(() => ({}), ended(sending)),
    receiveTree({
      connection: receiving,
      path: to,
      names: one.names,
      memory: one.receiveMemory ?? { settled: new Set() },
      watch: receiver,
      patienceMs: one.patienceMs,
    }).then(() => ({}), ended(receiving)),
  ]);
  sending.destroy();
  receiving.destroy();
  return { sent, received, sender, receiver };
};

/** Of an attempt in which nothing went wrong. */
export const whole = ({ sent, received, sender, receiver }: Outcome): Outcome => {
  const errors = [sent.error, received.error].filter((error) => error !== undefined);
  if (errors.length > 0) throw errors.find((error) => !(error instanceof CopyInterrupted)) ?? errors[0];
  expect([...sender.problems, ...receiver.problems]).toEqual([]);
  return { sent, received, sender, receiver };
};

/** Everything of a tree that a copy keeps, by path. */
export const picture = (root: string, below = ''): Record<string, string> => {
  const path = join(root, below);
  const stats = lstatSync(path);
  const mode = (stats.mode & 0o7777).toString(8);
  const time = Math.round(stats.mtimeMs);
  if (stats.isSymbolicLink()) return { [below]: `link ${readlinkSync(path)} ${time}` };
  if (stats.isFile()) return { [below]: `file ${mode} ${time} ${readFileSync(path).toString('base64')}` };
  if (!stats.isDirectory()) return { [below]: 'special' };
  const all: Record<string, string> = { [below]: `directory ${mode} ${time}` };
  for (const name of readdirSync(path))
    Object.assign(all, picture(root, below === '' ? name : `${below}/${name}`));
  return all;
};

export const names = (root: string): string[] => Object.keys(picture(root)).sort();
