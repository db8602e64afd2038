/** All shells that run: started, found again after a restart or an interruption, ended. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Event } from '../../protocol/event.ts';
import type { ParsedInputOf } from '../../protocol/operations.ts';
import type { Shell } from '../../protocol/shell.ts';
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Call } from '../capability.ts';
import type { DeviceRow } from '../devices/resolve.ts';
import type { EventLog } from '../events/log.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import { recordEnd } from './ended.ts';
import { type Backoff, Keeper } from './keeper.ts';
import { type Known, KnownShells } from './known-shells.ts';
import type { PortTokens } from './port-token.ts';
import { asEnded, openShells } from './rows.ts';
import type { RunningShell, ShellParts } from './running-shell.ts';
import { tellShell } from './shell-events.ts';
import { startShell } from './start-shell.ts';
import { takenUp } from './take-up.ts';
import { Turns } from './turns.ts';

export interface ShellsParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tunnels: Tunnels;
  readonly tokens: PortTokens;
  readonly recordings: Recordings;
  /** Whether a shell that is started now is recorded. */
  readonly recordShells: () => boolean;
  /** Of the agents; AGENT_PORT but in tests. */
  readonly port?: number;
  readonly backoff?: Backoff;
}

/** What runs in a shell may end in order, before it is killed. */
const HANGUP_MS = 3_000;
const KILL_MS = 5_000;
/** How long a reader of a recording waits for what was shown last. */
const FLUSH_MS = 2_000;

export class Shells {
  readonly #parts: ShellsParts;
  readonly #shellParts: ShellParts;
  readonly #known: KnownShells;
  readonly #keeper: Keeper;
  readonly #stop = new AbortController();
  #unsubscribe: (() => void)[] = [];

  constructor(parts: ShellsParts) {
    const known = new KnownShells(parts.store);
    this.#parts = parts;
    this.#known = known;
    this.#keeper = new Keeper(parts);
    this.#shellParts = {
      tunnels: parts.tunnels,
      turns: new Turns(),
      tokens: parts.tokens,
      clock: parts.clock,
      log: parts.log,
      port: parts.port ?? AGENT_PORT,
      ended: (shell, exit) => recordEnd(shell, exit, { ...parts, known }, this.#stop.signal),
      lost: (shell) => this.#keep(known.get(shell.facts.id)),
    };
  }

  /** Takes up what an earlier engine left; resolves when all of them are known, reached or not. */
  async start(): Promise<void> {
    const { tunnels, events, store, recordings } = this.#parts;
    this.#unsubscribe = [
      tunnels.onChange((guid, session) => this.#tunnelChanged(guid, session !== undefined)),
      events.subscribe((event) => this.#happened(event)),
    ];
    await recordings.start();
    const rows = await openShells(store.read);
    for (const row of rows) {
      const known = takenUp(row, { ...this.#parts, shellParts: this.#shellParts });
      this.#known.add(known);
      this.#keep(known);
    }
  }

  /** Errors: those of Tunnels.open; DISK_FULL, RECORDING_FAILED; what the agent refuses. */
  create(device: DeviceRow, input: ParsedInputOf<'shell.create'>, call: Call): Promise<Shell> {
    const parts = { ...this.#parts, known: this.#known, shellParts: this.#shellParts };
    return startShell({ device, input, call }, parts);
  }

  list(guid?: string): Shell[] {
    return this.#known.visible
      .filter(({ facts }) => guid === undefined || facts.guid === guid)
      .map((shell) => shell.present());
  }

  /** By its id or a prefix that no other has. Errors: SHELL_NOT_FOUND, SHELL_AMBIGUOUS, SHELL_ENDED. */
  find(ref: string): Promise<RunningShell> {
    return this.#known.find(ref);
  }

  /** Ends it and what runs in it. Errors: SHELL_UNREACHABLE, TIMED_OUT. */
  async kill(shell: RunningShell, call: Call): Promise<Shell> {
    const known = this.#known.get(shell.facts.id);
    await shell.reach(call.caller).catch((error: unknown) => {
      // Just what was wanted.
      if (!(error instanceof BorealisError && error.code === 'SHELL_ENDED')) throw error;
    });
    const { device, id } = shell.facts;
    await this.#parts.store.write((tx) => call.audit(tx, { target: device, detail: { shell: id } }));
    for (const [signal, patience] of [['SIGHUP', HANGUP_MS] as const, ['SIGKILL', KILL_MS] as const]) {
      shell.kill(signal);
      if (await within(shell.whenEnded, patience)) break;
    }
    const end = known?.end;
    // Its end waits to be recorded.
    if (!end && shell.standsStill) throw shell.standsStill;
    if (!end) throw new BorealisError('TIMED_OUT', { detail: 'The device did not end the shell.' });
    return asEnded(shell.present(), end);
  }

  /** Somebody came or left. */
  async viewersChanged(
    shell: RunningShell,
    who: string,
    change: 'attached' | 'left',
    audit?: (tx: Transaction) => Promise<void>,
  ): Promise<void> {
    const { store, events } = this.#parts;
    await store.write(async (tx) => {
      await audit?.(tx);
      const how = change === 'attached' ? 'attached to' : 'left';
      const viewers = [...new Set(shell.audience.present.map(({ user }) => user))];
      const message = `${who} ${how} a shell as ${shell.facts.account}`;
      await tellShell(events, tx, 'shell.viewers', shell, message, { viewers, who, change });
    });
  }

  // Interruptions

  #tunnelChanged(guid: string, up: boolean): void {
    for (const known of this.#known.all) {
      const { shell } = known;
      if (shell.facts.guid !== guid) continue;
      if (!up) shell.disconnect('The tunnel is down.');
      else this.#keep(known);
    }
  }

  #keep(known: Known | undefined): void {
    if (known && !known.creating) this.#keeper.keep(known.shell, known.ready);
  }

  #happened(event: Event): void {
    if (event.type !== 'device.revoked' && event.type !== 'device.removed' && event.type !== 'device.changed')
      return;
    for (const { shell } of this.#known.all) {
      if (shell.facts.guid !== event.guid) continue;
      if (event.type === 'device.changed') shell.facts.device = event.device ?? shell.facts.device;
      else void shell.end(null);
    }
  }

  // Recordings

  live(id: string): RunningShell['live'] {
    return this.#known.get(id)?.shell.live;
  }

  /** Resolves when what was shown so far is in the recording, or the disk has not taken it for a while. */
  async flush(id: string): Promise<void> {
    const recorder = this.#known.get(id)?.shell.recorder;
    if (recorder) await within(recorder.flush(), FLUSH_MS);
  }

  /** Shells go on; what is recorded of them is complete up to now. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#keeper.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(
      this.#known.all.map(async ({ shell, ready }) => {
        await shell.close();
        // Its recording may have been on its way to be taken up.
        await ready;
        await shell.close();
      }),
    );
  }
}

/** Whether it happened within so many milliseconds. */
const within = async (happened: Promise<void>, patience: number): Promise<boolean> => {
  const late = new AbortController();
  const timer = rest(patience, false, { signal: late.signal }).catch(() => false); // it happened
  const result = await Promise.race([happened.then(() => true), timer]);
  late.abort();
  return result;
};
