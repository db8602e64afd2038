/** One context of one device, served: link, commands, reports, status. Wires; decides nothing. */
import { jwkThumbprint } from '../crypto/keys.ts';
import { agentTarget, OUTPUT_CAP_BYTES } from '../protocol/command.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';
import type { AgentBastion } from './bastion/bastion.ts';
import type { Uplink, Welcome } from './channel.ts';
import { CommandDesk } from './commands.ts';
import type { Credentials } from './credentials.ts';
import type { ExecutionSetting } from './execution.ts';
import type { InventorySource } from './inventory.ts';
import type { Journal, LeftOver } from './journal.ts';
import { Link, type LinkStatus } from './link.ts';
import type { AgentLog } from './log.ts';
import type { MachineFacts } from './machine.ts';
import { Reporter } from './reporter.ts';
import type { TelemetrySource } from './telemetry.ts';
import type { AgentTunnels } from './tunnel/tunnels.ts';
import type { Verb } from './verbs/verb.ts';

/** Commands may go on for so long after a stop was asked for; then their process groups are ended. */
const STOP_GRACE_MS = 1_500;
/** The engine says that this device is not one of its own any more, or for the time being. */
const FORBIDDEN: ReadonlySet<ErrorCode> = new Set(['DEVICE_REVOKED', 'DEVICE_QUARANTINED']);

export interface AgentOptions {
  readonly credentials: Credentials;
  readonly machine: MachineFacts;
  readonly verbs: readonly Verb[];
  readonly journal: Journal;
  /** What the journal found when it was opened. */
  readonly leftOver: readonly LeftOver[];
  readonly setting: Omit<ExecutionSetting, 'outputCap'> & { readonly outputCap?: number };
  readonly concurrency?: number;
  readonly telemetry: TelemetrySource;
  readonly inventory: InventorySource | null;
  /** Where this agent makes tunnels. */
  readonly tunnels?: ((uplink: Uplink) => AgentTunnels) | undefined;
  /** Where this agent hosts VPN services. */
  readonly bastion?: ((uplink: Uplink) => AgentBastion) | undefined;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly random?: () => number;
  readonly onStatus?: (status: LinkStatus, engineVersion: string | null) => void;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #link: Link;
  readonly #desk: CommandDesk;
  readonly #reporter: Reporter;
  readonly #tunnels: AgentTunnels | undefined;
  readonly #bastion: AgentBastion | undefined;
  #engineVersion: string | null = null;

  constructor(options: AgentOptions) {
    const { credentials, machine, verbs, clock, log, random } = options;
    const { guid, context, signingKey, signingKeyId } = credentials.membership;
    const { ed, seed, publicKey } = credentials;
    this.#options = options;
    const link: Link = new Link({
      credentials,
      clock,
      ...(random ? { random } : {}),
      hello: () => ({
        guid,
        context,
        ...machine,
        verbs: verbs.map(({ name }) => name),
        ...(this.#tunnels && { wireguard_key: this.#tunnels.publicKey }),
        ...(this.#bastion && { bastion: true as const }),
      }),
      onOnline: (welcome) => this.#online(welcome),
      onOrder: (order) => this.#desk.order(order),
      onTunnel: (envelope) => this.#tunnels?.order(envelope),
      onBastion: (word) => this.#bastion?.heard(word),
      onOffline: () => this.#offline(),
      onStatus: (status) => this.#status(status),
      onTrouble: (what, error) => log.warn({ err: error }, `${what} did not work; it is tried again`),
    });
    this.#link = link;
    this.#tunnels = options.tunnels?.(link);
    this.#bastion = options.bastion?.(link);
    this.#desk = new CommandDesk({
      trust: { guid, context, signingKey, signingKeyId, ed },
      signer: { seed, kid: jwkThumbprint(publicKey), ed },
      verbs,
      journal: options.journal,
      uplink: link,
      clock,
      log,
      setting: { outputCap: OUTPUT_CAP_BYTES, ...options.setting },
      concurrency: options.concurrency ?? 4,
    });
    this.#reporter = new Reporter({
      uplink: link,
      telemetry: options.telemetry,
      inventory: options.inventory,
      clock,
      log,
      ...(random ? { random } : {}),
    });
  }

  get online(): boolean {
    return this.#link.online;
  }

  get running(): number {
    return this.#desk.running;
  }

  get refused(): number {
    return this.#desk.refused;
  }

  async start(): Promise<void> {
    await this.#desk.resume(this.#options.leftOver);
    await this.#tunnels?.start();
    await this.#bastion?.start();
    this.#link.start();
  }

  /** The engine learns of it at once; running commands have a moment, and their results stay on disk. */
  async close(): Promise<void> {
    this.#reporter.offline();
    // The tunnel first: the engine hears of it while there is a channel.
    await Promise.all([this.#tunnels?.close(), this.#bastion?.close()]);
    await Promise.all([this.#link.close(), this.#desk.stop(STOP_GRACE_MS)]);
  }

  #online(welcome: Welcome): void {
    this.#engineVersion = welcome.engine_version;
    this.#desk.online();
    this.#tunnels?.online();
    this.#bastion?.online();
    this.#reporter.online(welcome);
  }

  #offline(): void {
    this.#desk.offline();
    this.#reporter.offline();
  }

  #status(status: LinkStatus): void {
    const { log, credentials, onStatus } = this.#options;
    const { guid, context } = credentials.membership;
    if (status.state === 'online') log.info({ target: agentTarget(guid, context) }, 'connected');
    if (status.error)
      log.warn(
        { code: status.error.code, retry_in_ms: status.retryInMs, err: status.error.cause },
        `not connected: ${status.error.message}`,
      );
    if (status.error && FORBIDDEN.has(status.error.code)) {
      this.#tunnels?.forbid();
      this.#bastion?.forbid();
    }
    onStatus?.(status, this.#engineVersion);
  }
}
