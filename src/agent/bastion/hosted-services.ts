/** All VPN services of this device: each with its interface, taken up, taken down, and what is left of one that went. */
import { BorealisError } from '../../protocol/errors.ts';
import { SwitchLog } from '../ha/switch-log.ts';
import type { Kept } from './amended.ts';
import type { BastionParts } from './bastion-parts.ts';
import { Hosted } from './hosted.ts';
import type { Leaving } from './kept.ts';
import { goneFrame } from './reports.ts';
import { Whereabouts } from './whereabouts.ts';

const SERVICES_MAX = 256;

export interface Entry {
  readonly hosted: Hosted;
  readonly switches: SwitchLog;
  /** What the engine was told of its peers, by public key. */
  readonly told: Map<string, string>;
}

export interface HostedServicesParts
  extends Pick<BastionParts, 'kept' | 'uplink' | 'partsFor' | 'release' | 'log'> {
  /** The state of one is another now. */
  readonly changed: (entry: Entry) => void;
}

export class HostedServices {
  readonly #parts: HostedServicesParts;
  readonly #entries = new Map<string, Entry>();
  /** Why what an agent before this one left could not be taken down. */
  #leftBy: Error | undefined;

  constructor(parts: HostedServicesParts) {
    this.#parts = parts;
  }

  get all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Errors: SCHEMA_MISMATCH where another service has its interface, or there are too many. */
  demandFree({ service }: Kept): void {
    const name = service.network.interfaces[0]?.name;
    const others = this.all.filter(({ hosted }) => hosted.id !== service.id);
    if (others.length >= SERVICES_MAX || others.some(({ hosted }) => hosted.interfaceName === name))
      throw new BorealisError('SCHEMA_MISMATCH', { detail: `${name} is another VPN service's already.` });
  }

  /** It is not applied yet. */
  async add(one: Kept): Promise<Entry> {
    const { kept, partsFor, uplink, changed, log } = this.#parts;
    const { id, network } = one.service;
    const switches = new SwitchLog(kept.switches(id));
    await switches.open();
    const whereabouts = new Whereabouts(kept.clients(id), log);
    await whereabouts.open();
    const told = (): void => {
      const entry = this.#entries.get(id);
      if (entry) changed(entry);
    };
    const parts = partsFor(network.interfaces[0]?.name ?? '', {
      switches,
      told,
      send: (frame) => uplink.send(frame),
    });
    const entry: Entry = { hosted: new Hosted(one, parts, whereabouts), switches, told: new Map() };
    this.#entries.set(id, entry);
    return entry;
  }

  /** Also one that is not here: its files go. Errors: those of wg/apply.ts; then it is gone (`isGone`), and tried again. */
  async drop(id: string): Promise<void> {
    const { kept, uplink } = this.#parts;
    const entry = this.#entries.get(id);
    // First of all: what fails below is tried again, and does not come back with the next start.
    if (entry) await kept.leave(entry.hosted.leaving);
    else await kept.forget(id);
    await entry?.hosted.close();
    this.#entries.delete(id);
    await kept.remove(id);
    await this.release();
    uplink.send(goneFrame(id));
  }

  /** Each is tried. Errors: what the disk fails with. */
  async dropAll(): Promise<void> {
    const { kept, log } = this.#parts;
    for (const id of [...this.#entries.keys()])
      await this.drop(id).catch((error: unknown) =>
        log.error({ err: error }, 'a VPN service could not be taken down'),
      );
    // Also what could not be read, which no entry stands for: keys are in it.
    await kept.removeAll();
  }

  /** Whether something is left on the machine that could not be taken down. */
  get hasLeft(): boolean {
    return this.#leftBy !== undefined;
  }

  /** What an agent that was killed was just taking down: it may serve clients still. */
  async clearLeft(): Promise<void> {
    const { kept, log } = this.#parts;
    const before = this.#leftBy;
    this.#leftBy = undefined;
    for (const left of await kept.leftOver()) {
      if (this.#entries.has(left.id)) continue;
      await this.#clear(left).catch((error: Error) => {
        this.#leftBy = error;
        if (error.message !== before?.message)
          log.error({ err: error }, 'what is left of a VPN service could not be taken down');
      });
    }
  }

  async #clear({ id, interface: name, publicKey, ha }: Leaving): Promise<void> {
    const { kept, partsFor } = this.#parts;
    const switches = new SwitchLog(kept.switches(id));
    const { network, clearHa } = partsFor(name, { switches, told: () => undefined, send: () => false });
    const device = await network.device(name);
    // Else it is somebody else's by now.
    if (!device?.publicKey || device.publicKey === publicKey)
      await network.teardown({ interfaces: [name], firewall: true });
    if (ha) await clearHa(ha, id);
    await kept.remove(id);
  }

  /** Packets are passed on for nobody, where there is none. Never rejects. */
  async release(): Promise<void> {
    if (this.#entries.size === 0) await this.#release();
  }

  async #release(): Promise<void> {
    const { release, log } = this.#parts;
    await release().catch((error: unknown) => log.error({ err: error }, 'packets are still passed on'));
  }

  /** Nothing is left of them but what is kept. Never rejects. */
  async close(): Promise<void> {
    const { log } = this.#parts;
    await Promise.all(
      this.all.map(({ hosted }) =>
        hosted
          .close()
          .catch((error: unknown) => log.error({ err: error }, 'a VPN service could not be taken down')),
      ),
    );
    await this.#release();
  }
}
