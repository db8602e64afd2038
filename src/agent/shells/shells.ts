/** The shells of an agent. They outlive viewers, connections and tunnels, and end with the agent. */
import { FROM_AGENT_PORT, type RunningShell } from '../../protocol/agent-port.ts';
import { encodeJsonFrame } from '../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { PortConnection } from '../port/connection.ts';
import type { ClaimsOf, Purposes } from '../port/purposes.ts';
import { loginProgram } from './login.ts';
import { Shell } from './shell.ts';

const RUNNING_MAX = 64;
/** An engine that lost its connection has so long to fetch the last output of a shell that has ended. */
const ENDED_KEPT_MS = 600_000;
const ENDED_KEPT_MAX = 32;
/** Programs have so long after SIGHUP when the agent stops. */
const STOP_GRACE_MS = 1_500;

export interface ShellsOptions {
  readonly clock: Clock;
  readonly log: AgentLog;
  /** LANG of the agent. */
  readonly lang: string | undefined;
  /** 64 where not given. */
  readonly runningMax?: number;
}

export class Shells {
  readonly #options: ShellsOptions;
  readonly #shells = new Map<string, Shell>();
  /** Of those that have ended, oldest first. */
  readonly #forgetting = new Map<Shell, NodeJS.Timeout>();
  #stopping: (() => void) | undefined;

  constructor(options: ShellsOptions) {
    this.#options = options;
  }

  get purposes(): Pick<Purposes, 'shell' | 'attach' | 'list'> {
    return {
      shell: (claims, connection) => this.#create(claims, connection),
      attach: (claims, connection) => this.#attach(claims, connection),
      list: async (_, connection) => {
        connection.send(encodeJsonFrame(FROM_AGENT_PORT.SHELLS, { shells: this.list() }));
      },
    };
  }

  /** Those that run, and those that have ended and whose end the engine has not taken. */
  list(): RunningShell[] {
    return [...this.#shells.values()].map(({ id, offset, exit }) => ({ shell_id: id, offset, exited: exit }));
  }

  /** Ends them all, the gentle way first; resolves when they have ended. Their last output goes out. */
  async close(): Promise<void> {
    if (this.#running === 0) return this.#forgetAll();
    const over = new Promise<void>((resolve) => {
      this.#stopping = resolve;
    });
    this.#signal('SIGHUP');
    const timer = setTimeout(() => this.#signal('SIGKILL'), STOP_GRACE_MS);
    const atLast = setTimeout(() => this.#stopping?.(), 2 * STOP_GRACE_MS);
    await over;
    clearTimeout(timer);
    clearTimeout(atLast);
    this.#forgetAll();
  }

  get #running(): number {
    let count = 0;
    for (const { exit } of this.#shells.values()) if (!exit) count += 1;
    return count;
  }

  async #create(claims: ClaimsOf<'shell'>, connection: PortConnection): Promise<void> {
    const { clock, log, lang, runningMax = RUNNING_MAX } = this.#options;
    const { shell_id: id, actor, size, term, record_input: recordInput } = claims;
    const startedAt = clock.now();
    const { user, ...program } = await loginProgram({ user: claims.user, term, lang, nowMs: startedAt });
    if (this.#stopping) throw new BorealisError('SHELL_UNREACHABLE', { detail: 'The agent stops.' });
    if (this.#shells.has(id))
      throw new BorealisError('VALIDATION_FAILED', { detail: 'There is a shell of that id.' });
    if (this.#running >= runningMax)
      throw new BorealisError('SHELLS_USED_UP', { detail: `It runs ${runningMax}.` });
    const shell = new Shell({
      id,
      user,
      recordInput,
      startedAt,
      program: { ...program, size },
      log,
      onExit: (ended) => this.#ended(ended),
    });
    this.#shells.set(id, shell);
    try {
      await shell.start();
    } catch (error) {
      this.#forget(shell);
      throw error;
    }
    log.info({ shell: id, user, actor }, 'shell started');
    await this.#serve(shell, connection, 0);
  }

  async #attach(claims: ClaimsOf<'attach'>, connection: PortConnection): Promise<void> {
    const shell = this.#shells.get(claims.shell_id);
    if (!shell) throw new BorealisError('SHELL_NOT_FOUND');
    await this.#serve(shell, connection, claims.offset);
  }

  async #serve(shell: Shell, connection: PortConnection, offset: number): Promise<void> {
    try {
      await shell.serve(connection, offset);
    } finally {
      if (shell.settled) this.#forget(shell);
    }
  }

  #ended(shell: Shell): void {
    const { log } = this.#options;
    const { exit_code, signal } = shell.exit ?? {};
    log.info({ shell: shell.id, exit_code, signal }, 'shell ended');
    this.#forgetting.set(
      shell,
      setTimeout(() => this.#forget(shell), ENDED_KEPT_MS),
    );
    for (const [oldest] of this.#forgetting) {
      if (this.#forgetting.size <= ENDED_KEPT_MAX) break;
      this.#forget(oldest);
    }
    if (this.#running === 0) this.#stopping?.();
  }

  #forget(shell: Shell): void {
    clearTimeout(this.#forgetting.get(shell));
    this.#forgetting.delete(shell);
    if (this.#shells.get(shell.id) === shell) this.#shells.delete(shell.id);
    shell.close();
  }

  #forgetAll(): void {
    for (const shell of [...this.#shells.values()]) this.#forget(shell);
  }

  #signal(signal: 'SIGHUP' | 'SIGKILL'): void {
    for (const shell of this.#shells.values()) if (!shell.exit) shell.signal(signal);
  }
}
