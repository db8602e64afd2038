/** All shells that run: started, found again after a restart or an interruption, ended. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ShellExit } from '../../protocol/agent-port.ts';
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
import type { ShellRow } from '../recordings/rows.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import { type Backoff, Keeper } from './keeper.ts';
import type { PortTokens } from './port-token.ts';
import {
  asEnded,
  deleteShell,
  insertShell,
  newShellId,
  openShells,
  type ShellEnd,
  shellEnded,
  shellRuns,
} from './rows.ts';
import { RunningShell, type ShellFacts, type ShellParts } from './running-shell.ts';
import { tellShell } from './shell-events.ts';
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
/** Until the store takes it. */
const AGAIN_MS = 1_000;

interface Known {
  readonly shell: RunningShell;
  /** Resolves when its recording was taken up; it may be used then. */
  readonly ready: Promise<void>;
  /** The engine knows of it, operators not yet. */
  starting: boolean;
  /** It is being started on the device right now; nobody else is to look for it there. */
  creating: boolean;
  /** How it ended. */
  end?: ShellEnd;
}

export class Shells {
  readonly #parts: ShellsParts;
  readonly #shellParts: ShellParts;
  readonly #known = new Map<string, Known>();
  readonly #keeper: Keeper;
  readonly #stop = new AbortController();
  #unsubscribe: (() => void)[] = [];

  constructor(parts: ShellsParts) {
    this.#parts = parts;
    this.#keeper = new Keeper(parts);
    this.#shellParts = {
      tunnels: parts.tunnels,
      turns: new Turns(),
      tokens: parts.tokens,
      clock: parts.clock,
      log: parts.log,
      port: parts.port ?? AGENT_PORT,
      ended: (shell, exit) => this.#ended(shell, exit),
      lost: (shell) => this.#keep(this.#known.get(shell.facts.id)),
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
    for (const row of rows) this.#restore(row);
  }

  #restore(row: ShellRow): void {
    const shell = new RunningShell(
      {
        id: row.id,
        guid: row.guid,
        device: row.name ?? row.device,
        account: row.account,
        startedBy: row.started_by,
        startedAt: row.started_at,
        recorded: row.recording !== 'none',
        recordInput: row.record_input === 1,
      },
      { cols: row.cols, rows: row.rows },
      this.#shellParts,
    );
    // Whoever asked for it never heard of it: it is ended when its device is reached, and forgotten.
    if (row.state === 'starting') shell.condemned = new BorealisError('SHELL_ENDED');
    const ready = this.#takeUp(shell, row).catch((error: unknown) => {
      this.#parts.log.error({ err: error, shell: row.id }, 'a shell could not be taken up');
      shell.condemned = error instanceof BorealisError ? error : new BorealisError('RECORDING_FAILED');
    });
    const known = { shell, ready, starting: row.state === 'starting', creating: false };
    this.#known.set(row.id, known);
    this.#keep(known);
  }

  async #takeUp(shell: RunningShell, row: ShellRow): Promise<void> {
    if (row.recording !== 'none' && row.state !== 'starting')
      shell.record(await this.#parts.recordings.resume(row.id, row.started_at, shell));
    // Its device is gone for good; or the engine was killed after the last part was written, before the store knew.
    const over = shell.recorder !== null && shell.recorder.ending !== 'more';
    if (row.name === null || over) await shell.end(null);
  }

  /** Errors: those of Tunnels.open; DISK_FULL, RECORDING_FAILED; what the agent refuses. */
  async create(device: DeviceRow, input: ParsedInputOf<'shell.create'>, call: Call): Promise<Shell> {
    const { store, clock, recordings, recordShells, tunnels } = this.#parts;
    const { caller } = call;
    const facts: ShellFacts = {
      id: newShellId(),
      guid: device.guid,
      device: device.name,
      account: input.user ?? '',
      startedBy: caller.user,
      startedAt: clock.now(),
      recorded: recordShells(),
      recordInput: input.record_input,
    };
    const { id, recorded } = facts;
    const size = { cols: input.cols, rows: input.rows };
    const shell = new RunningShell(facts, size, this.#shellParts);
    // In the store before anything runs: should the engine be killed now, the next one finds what it began.
    await store.write((tx) =>
      insertShell(tx, {
        ...size,
        id,
        guid: device.guid,
        device: device.name,
        account: facts.account,
        started_by: facts.startedBy,
        started_at: facts.startedAt,
        ended_at: null,
        state: 'starting',
        exit_code: null,
        recording: recorded ? 'recording' : 'none',
        record_input: input.record_input ? 1 : 0,
        recorded_bytes: 0,
        duration_ms: 0,
      }),
    );
    const known: Known = { shell, ready: Promise.resolve(), starting: true, creating: true };
    this.#known.set(id, known);
    try {
      if (recorded) {
        const title = `${input.user ? `${input.user}@` : ''}${device.name}`;
        const header = { ...size, startedAt: facts.startedAt, title, term: input.term };
        shell.record(await recordings.create(id, header, shell));
      }
      const session = await tunnels.open(device.guid, caller);
      await shell.begin(session, {
        purpose: 'shell',
        shell_id: id,
        user: input.user ?? null,
        size,
        term: input.term,
        record_input: input.record_input,
      });
      known.creating = false;
      await store.write(async (tx) => {
        await shellRuns(tx, id, facts.account);
        await call.audit(tx, {
          target: device.name,
          detail: { shell: id, user: facts.account, recorded, input_recorded: facts.recordInput },
        });
        await tellShell(
          this.#parts.events,
          tx,
          'shell.started',
          shell,
          `${caller.user} started a shell as ${facts.account}`,
        );
      });
    } catch (error) {
      await this.#undo(known);
      throw error;
    }
    known.starting = false;
    return known.end ? asEnded(shell.present(), known.end) : shell.present();
  }

  /** It never was. Where the device cannot be told, the next connection to it does. */
  async #undo({ shell }: Known): Promise<void> {
    const { id } = shell.facts;
    shell.kill('SIGKILL');
    await shell.close();
    this.#known.delete(id);
    await this.#parts.recordings.remove(id);
    await this.#parts.store.write((tx) => deleteShell(tx, id));
  }

  list(guid?: string): Shell[] {
    return [...this.#known.values()]
      .filter(({ starting, shell }) => !starting && (guid === undefined || shell.facts.guid === guid))
      .map(({ shell }) => shell.present());
  }

  /** By its id or a prefix that no other has. Errors: SHELL_NOT_FOUND, SHELL_AMBIGUOUS, SHELL_ENDED. */
  async find(ref: string): Promise<RunningShell> {
    const wanted = ref.toLowerCase();
    const found = [...this.#known.values()].filter(
      ({ shell, starting }) => !starting && shell.facts.id.startsWith(wanted),
    );
    const exact = found.find(({ shell }) => shell.facts.id === wanted) ?? (found.length === 1 && found[0]);
    if (exact) {
      await exact.ready;
      if (exact.shell.condemned) throw exact.shell.condemned;
      return exact.shell;
    }
    if (found.length > 1) throw new BorealisError('SHELL_AMBIGUOUS', { detail: `“${ref}” begins several.` });
    const row = await this.#parts.store.read
      .selectFrom('shell')
      .select('id')
      .where('id', '=', wanted)
      .where('state', '=', 'ended')
      .executeTakeFirst();
    if (!row) throw new BorealisError('SHELL_NOT_FOUND', { detail: `“${ref}” is none.` });
    throw new BorealisError('SHELL_ENDED', { next: `Replay it with: borealisctl session replay ${row.id}` });
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
    await this.#parts.store.write(async (tx) => {
      await audit?.(tx);
      const how = change === 'attached' ? 'attached to' : 'left';
      const viewers = [...new Set(shell.audience.present.map(({ user }) => user))];
      await tellShell(
        this.#parts.events,
        tx,
        'shell.viewers',
        shell,
        `${who} ${how} a shell as ${shell.facts.account}`,
        {
          viewers,
          who,
          change,
        },
      );
    });
  }

  // Interruptions

  #tunnelChanged(guid: string, up: boolean): void {
    for (const known of this.#known.values()) {
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
    for (const { shell } of this.#known.values()) {
      if (shell.facts.guid !== event.guid) continue;
      if (event.type === 'device.changed') shell.facts.device = event.device ?? shell.facts.device;
      else void shell.end(null);
    }
  }

  // The end

  async #ended(shell: RunningShell, exit: ShellExit | null): Promise<void> {
    const { clock, log, store } = this.#parts;
    const { id, account } = shell.facts;
    const known = this.#known.get(id);
    const end: ShellEnd = {
      at: clock.now(),
      exitCode: exit?.exit_code ?? null,
      account,
      ...shell.size,
      recording: shell.facts.recorded
        ? { state: shell.recorder?.ending === 'complete' ? 'complete' : 'cut_off', live: shell.live }
        : null,
    };
    while (!this.#stop.signal.aborted) {
      try {
        await store.write(async (tx) => {
          if (known?.starting && (!exit || shell.condemned)) return deleteShell(tx, id);
          await shellEnded(tx, id, end);
          const how = exit ? `ended with ${exit.signal ?? exit.exit_code}` : 'is gone with its device';
          await tellShell(this.#parts.events, tx, 'shell.ended', shell, `The shell of ${account} ${how}`, {
            exit_code: end.exitCode,
          });
        });
        if (known?.starting && shell.condemned) await this.#parts.recordings.remove(id);
        if (known) known.end = end;
        this.#known.delete(id);
        return;
      } catch (error) {
        log.error({ err: error, shell: id }, 'the end of a shell could not be stored; tried again');
        await rest(AGAIN_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {}); // asked above
      }
    }
  }

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
      [...this.#known.values()].map(async ({ shell, ready }) => {
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
