/** One way's worth of a copy, over as many connections as it takes: what broke off goes on where it stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../client/client.ts';
import { CopyInterrupted } from '../../../copy/connection.ts';
import { type ReceiveMemory, receiveTree } from '../../../copy/receive.ts';
import { type SendMemory, sendTree } from '../../../copy/send.ts';
import { findSource, type Source, sourceName } from '../../../copy/source.ts';
import { BorealisError, type ErrorCode } from '../../../protocol/errors.ts';
import type { Output } from '../../manner/output.ts';
import type { CopyPlan, Remote } from './endpoints.ts';
import type { Tally } from './tally.ts';
import { openWay, type Way } from './way.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** Without a byte. */
const PATIENCE_MS = 600_000;
/** That a device does not answer at the very beginning may be its tunnel, which has only just come up. */
const FIRST_TRIES = 3;
/** Between two reports that the tunnel is used: well below any idle time that can be set. */
const REPORT_MS = 5_000;
/** Of a copy that had begun: these pass. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DEVICE_OFFLINE',
  'TUNNEL_DOWN',
  'TUNNEL_FAILED',
  'TIMED_OUT',
  'ENGINE_UNREACHABLE',
  'ENGINE_STARTING',
  'NOT_ADDRESSED',
  'EXPIRED_TOKEN',
]);

export interface TransferParts {
  readonly client: Client;
  readonly out: Output;
  readonly tally: Tally;
  readonly interrupted: AbortSignal;
}

export interface Transferred {
  /** Names of the devices, as the engine has them. */
  readonly device: string;
  readonly guid: string;
  /** How many it took. */
  connections: number;
}

/** Errors: CANCELLED, NO_SUCH_PATH, COPY_FAILED, those of copy.open and of the agent. */
export const transfer = async (parts: TransferParts, plan: CopyPlan): Promise<Transferred> => {
  if (plan.direction === 'to_device') {
    const sources = await Promise.all(plan.sources.map(findSource));
    return send(parts, sources, plan.to);
  }
  let all: Transferred | undefined;
  for (const source of plan.sources) {
    // Several go into a directory, which the first makes where only it is missing.
    const to = plan.sources.length > 1 ? `${plan.to.replace(/\/+$/, '')}/` : plan.to;
    const one = await receive(parts, source, to);
    if (all) all.connections += one.connections;
    else all = one;
  }
  return all!;
};

const send = (parts: TransferParts, sources: readonly Source[], to: Remote): Promise<Transferred> => {
  const memory: SendMemory = { settled: new Set(), into: null };
  return persist(parts, { direction: 'to_device', ...to }, ({ connection }) =>
    sendTree({ connection, sources, memory, watch: parts.tally }),
  );
};

const receive = (parts: TransferParts, from: Remote, to: string): Promise<Transferred> => {
  const memory: ReceiveMemory = { settled: new Set() };
  // Called what the operator called it: the device does not choose names here.
  const names = [sourceName(from.path)];
  return persist(parts, { direction: 'from_device', ...from }, ({ connection }) =>
    receiveTree({ connection, path: to, names, memory, watch: parts.tally }),
  );
};

const persist = async (
  { client, out, tally, interrupted }: TransferParts,
  input: Remote & { readonly direction: CopyPlan['direction'] },
  act: (way: Way) => Promise<void>,
): Promise<Transferred> => {
  let begun: Transferred | undefined;
  let progressAt = performance.now();
  let said = false;
  const report = reporter(client, input.device);
  tally.onMoved = (bytes) => {
    progressAt = performance.now();
    report(bytes);
    if (!said) return;
    said = false;
    out.note('It goes on.', 'green');
  };
  for (let pause = FIRST_PAUSE_MS, tries = 1; ; tries += 1) {
    let way: Way | undefined;
    const before = tally.transferred;
    try {
      way = await openWay(client, input, interrupted);
      begun ??= { device: way.opened.device, guid: way.opened.guid, connections: 0 };
      begun.connections += 1;
      await act(way);
      await way.close('end');
      return begun;
    } catch (error) {
      if (error instanceof BorealisError && way) await way.connection.refuse(error);
      await way?.close('destroy');
      if (interrupted.aborted) throw cancelled();
      const patient = begun !== undefined || tries < FIRST_TRIES;
      const passes =
        error instanceof CopyInterrupted ||
        (begun !== undefined && error instanceof BorealisError && PASSING.has(error.code));
      if (!passes) throw error;
      const { message } = error;
      if (!patient || performance.now() - progressAt > PATIENCE_MS)
        throw new BorealisError('COPY_FAILED', { detail: `${message}.`.replace(/\.\.$/, '.'), cause: error });
      if (!said) out.note(`Interrupted (${message}); trying again.`, 'yellow');
      said = true;
      if (tally.transferred > before) pause = FIRST_PAUSE_MS;
    }
    await sleep(pause, undefined, { signal: interrupted }).catch(() => {}); // Ctrl-C, which is met above
    if (interrupted.aborted) throw cancelled();
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
};

const cancelled = (): BorealisError =>
  new BorealisError('CANCELLED', {
    detail: 'What has arrived stays.',
    next: 'Run the same command again: it goes on where it stopped.',
  });

/** A copy is use of the tunnel: it is not taken down meanwhile. */
const reporter = (client: Client, device: string): ((bytes: number) => void) => {
  let unsaid = 0;
  let saidAt = performance.now();
  return (bytes) => {
    unsaid += bytes;
    const now = performance.now();
    if (now - saidAt < REPORT_MS) return;
    saidAt = now;
    // Lost reports are made up for by the next; an engine that is away does not stop a copy.
    client.call('tunnel.activity', { device, bytes: unsaid, connections: 1 }).catch(() => {});
    unsaid = 0;
  };
};
