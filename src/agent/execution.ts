/** One command while it runs: its time, its output, its end. */
import type { CommandClaims, ResultClaims } from '../protocol/command.ts';
import { BorealisError, ERRORS, type ErrorCode } from '../protocol/errors.ts';
import type { AgentContext } from '../protocol/scalars.ts';
import type { Clock } from '../sys/clock.ts';
import type { Uplink } from './channel.ts';
import type { GroupRegister } from './groups.linux.ts';
import { LiveOutput } from './live-output.ts';
import { CappedOutput } from './output.ts';
import type { Bound, Outcome, VerbContext } from './verbs/verb.ts';

/** A verb that does not end when told to is left behind after this long; its process group is dead by then. */
const ABANDON_MS = 6_000;

export type EndReason = 'timed_out' | 'cancelled' | 'stopped';
export type Finished = Omit<ResultClaims, 'corr_id' | 'guid' | 'stdout' | 'stderr' | 'truncated'>;

/** What is the same for all commands of an agent. */
export interface ExecutionSetting {
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly scriptDirectory: string;
  readonly groups: GroupRegister;
  /** Bytes of each output stream that a result keeps. */
  readonly outputCap: number;
}

export interface ExecutionOptions {
  readonly claims: CommandClaims;
  readonly bound: Bound;
  readonly context: AgentContext;
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly setting: ExecutionSetting;
}

const ENDINGS: Readonly<Record<EndReason, { state: Finished['state']; code: ErrorCode }>> = {
  timed_out: { state: 'timed_out', code: 'EXEC_TIMEOUT' },
  cancelled: { state: 'cancelled', code: 'JOB_CANCELLED' },
  stopped: { state: 'failed', code: 'AGENT_RESTARTED' },
};

export class Execution {
  readonly stdout: CappedOutput;
  readonly stderr: CappedOutput;
  readonly #options: ExecutionOptions;
  readonly #abort = new AbortController();
  #reason: EndReason | undefined;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.stdout = new CappedOutput(options.setting.outputCap);
    this.stderr = new CappedOutput(options.setting.outputCap);
  }

  /** Ends it before its own end; the first reason counts. */
  end(reason: EndReason): void {
    this.#reason ??= reason;
    this.#abort.abort();
  }

  /** Resolves when it has ended, however that was. Never rejects. */
  async run(): Promise<Finished> {
    const { claims, uplink, clock } = this.#options;
    const live = new LiveOutput(claims.corr_id, uplink, clock);
    const startedAt = Math.floor(clock.now() / 1_000);
    const began = clock.monotonic();
    const timer = setTimeout(() => this.end('timed_out'), claims.timeout * 1_000);
    const outcome = await this.#outcome(live);
    clearTimeout(timer);
    live.end();
    return {
      ...outcome,
      started_at: startedAt,
      duration_ms: Math.max(0, Math.round(clock.monotonic() - began)),
    };
  }

  async #outcome(live: LiveOutput): Promise<Omit<Finished, 'started_at' | 'duration_ms'>> {
    const { bound, setting, context, claims } = this.#options;
    const verbContext: VerbContext = {
      context,
      signal: this.#abort.signal,
      timeoutMs: claims.timeout * 1_000,
      environment: setting.environment,
      workingDirectory: setting.workingDirectory,
      scriptDirectory: setting.scriptDirectory,
      groups: setting.groups,
      output: (stream, chunk) => {
        this[stream].write(chunk);
        live.write(stream, chunk);
      },
    };
    let outcome: Outcome;
    try {
      outcome = await this.#orAbandoned(bound(verbContext));
    } catch (error) {
      outcome = { exitCode: null, failure: failureOf(error) };
    }
    const { exitCode, value = null, failure } = outcome;
    if (this.#reason) {
      const { state, code } = ENDINGS[this.#reason];
      return { state, exit_code: exitCode, error_code: code, error: ERRORS[code].message, value };
    }
    return {
      state: failure || (exitCode ?? 0) !== 0 ? 'failed' : 'succeeded',
      exit_code: exitCode,
      error_code: failure?.code ?? null,
      error: failure?.message ?? null,
      value,
    };
  }

  #orAbandoned(work: Promise<Outcome>): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    let timer: NodeJS.Timeout | undefined;
    const abandon = () => {
      timer = setTimeout(() => resolve({ exitCode: null }), ABANDON_MS);
    };
    if (this.#abort.signal.aborted) abandon();
    this.#abort.signal.addEventListener('abort', abandon, { once: true });
    work.then(resolve, reject).finally(() => {
      this.#abort.signal.removeEventListener('abort', abandon);
      clearTimeout(timer);
    });
    return promise;
  }
}

/** A command that did not run, or whose run nobody saw the end of. */
export const notRun = (
  state: Finished['state'],
  code: ErrorCode,
  clock: Clock,
  detail?: string | undefined,
): Finished => ({
  state,
  exit_code: null,
  error_code: code,
  error: detail ? `${ERRORS[code].message} ${detail}` : ERRORS[code].message,
  value: null,
  started_at: Math.floor(clock.now() / 1_000),
  duration_ms: 0,
});

function failureOf(error: unknown): NonNullable<Outcome['failure']> {
  if (error instanceof BorealisError) return { code: error.code, message: error.message };
  return { code: 'EXEC_FAILED', message: error instanceof Error ? error.message : String(error) };
}
