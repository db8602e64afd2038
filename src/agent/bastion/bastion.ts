/**
 * The VPN services that this device hosts: made, changed and removed by signed words of the engine, and by nothing else;
 * kept over restarts. What they are and who uses them is told to the engine.
 */
import { BASTION_PEERS_MAX, type BastionClaims, type BastionStateFrame } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { BastionWord, Uplink } from '../channel.ts';
import { SwitchLog } from '../ha/switch-log.ts';
import type { AgentLog } from '../log.ts';
import type { SeenTokens } from '../port/seen-tokens.ts';
import { refuseWord } from '../refused-word.ts';
import { Telling } from '../telling.ts';
import type { CommandTrust } from '../verify.ts';
import { amended, type Kept, keptOf } from './amended.ts';
import { Hosted } from './hosted.ts';
import type { Change } from './hosted-network.ts';
import type { HostedParts } from './hosted-parts.ts';
import type { KeptServices, Leaving } from './kept.ts';
import { Whereabouts } from './whereabouts.ts';
import { Parts, verifyBastion } from './word.ts';

const TOLD_MS = 2_000;
const RETRY_MS = 5_000;
/** Between two looks whether the firewalls are there. */
const GUARD_MS = 1_000;
const SERVICES_MAX = 256;

export interface BastionParts {
  readonly trust: CommandTrust;
  readonly kept: KeptServices;
  readonly seen: SeenTokens;
  readonly uplink: Uplink;
  readonly partsFor: (
    interfaceName: string,
    of: { readonly switches: SwitchLog; readonly told: () => void; readonly send: Uplink['send'] },
  ) => HostedParts;
  /** No service is left that packets are passed on for. */
  readonly release: () => Promise<void>;
  readonly clock: Clock;
  readonly log: AgentLog;
}

interface Entry {
  readonly hosted: Hosted;
  readonly switches: SwitchLog;
  /** As the engine was told. */
  readonly told: Map<string, string>;
}

export class AgentBastion {
  readonly #parts: BastionParts;
  readonly #entries = new Map<string, Entry>();
  readonly #joining = new Parts();
  readonly #telling: Telling;
  #timers: NodeJS.Timeout[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #round: Promise<void> | undefined;
  #closed = false;
  /** Why what an agent before this one left could not be taken down. */
  #leftBy: Error | undefined;

  constructor(parts: BastionParts) {
    this.#parts = parts;
    this.#telling = new Telling(parts.clock);
  }

  /** What was kept is taken up at once, with an engine or without. */
  async start(): Promise<void> {
    const { seen, clock, kept } = this.#parts;
    await seen.open(clock.now());
    const found = await kept.open();
    this.#serially(() => this.#clearLeft());
    this.#serially(async () => {
      for (const one of found) await (await this.#add(one)).hosted.apply();
      // Of an agent that was killed when its last one had gone.
      await this.#release();
    });
    this.#timers = [
      setInterval(() => this.#tellPeers(), TOLD_MS),
      setInterval(() => this.#retry(), RETRY_MS),
      setInterval(() => this.#guard(), GUARD_MS),
    ];
  }

  /** Never throws. */
  heard(word: BastionWord): void {
    if (word.type === 'BASTION') this.#order(word.envelope);
    else if (word.type === 'BASTION_VOTE')
      this.#entries.get(word.service)?.hosted.ha?.vote(word.from, word.message);
    else
      void this.#entries
        .get(word.service)
        ?.switches.seen(word.ids)
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'it could not be kept what the engine knows'),
        );
  }

  /** There is a channel again. */
  online(): void {
    for (const entry of this.#entries.values()) {
      entry.told.clear();
      this.#tell(entry);
    }
    this.#tellPeers();
  }

  /** The engine has said that this device may host nothing any more. */
  forbid(): void {
    // In its turn: what came before it is taken up first, and goes too.
    this.#serially(async () => {
      for (const id of [...this.#entries.keys()])
        await this.#drop(id).catch((error: unknown) =>
          this.#parts.log.error({ err: error }, 'a VPN service could not be taken down'),
        );
      // Also what could not be read, which no entry stands for: keys are in it.
      await this.#parts.kept.removeAll();
    });
  }

  /** Of the address that it has it is got rid first, where another one can take it. Nothing is left but what is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#turn;
    await Promise.all(
      [...this.#entries.values()].map(({ hosted }) =>
        hosted
          .close()
          .catch((error: unknown) =>
            this.#parts.log.error({ err: error }, 'a VPN service could not be taken down'),
          ),
      ),
    );
    await this.#release();
    await this.#parts.seen.close();
  }

  #order(envelope: string): void {
    this.#serially(async () => {
      let claims: BastionClaims;
      try {
        const now = this.#parts.clock.now();
        claims = verifyBastion(envelope, this.#parts.trust, now);
        await this.#parts.seen.use(claims, claims.service, now);
        await this.#obey(claims);
      } catch (error) {
        refuseWord(error, { ...this.#parts, telling: this.#telling });
      }
    });
  }

  async #obey(claims: BastionClaims): Promise<void> {
    if (this.#closed) return;
    const { service: id } = claims;
    if (claims.action === 'drop') return this.#drop(id);
    if (claims.action === 'switch') return this.#give(id);
    if (claims.action === 'amend') return this.#amend(claims);
    const entry = this.#entries.get(id);
    // What is older than what is here was overtaken.
    if (entry && claims.revision < entry.hosted.kept.revision) return;
    const service = this.#joining.add(claims);
    if (!service) return;
    const one = keptOf(service, claims.revision);
    // Another interface, or one that was to go and could not.
    const isOther = entry?.hosted.interfaceName !== service.network.interfaces[0]?.name;
    if (entry && (isOther || entry.hosted.isGone)) await this.#drop(id);
    this.#demandFree(one);
    await this.#parts.kept.put(one);
    await this.#parts.kept.settled(id);
    const now = this.#entries.get(id) ?? (await this.#add(one));
    await now.hosted.be(one);
    this.#tell(now);
  }

  /** To whoever has what it is a change of, and to nobody else: what was told once leads nowhere from anything later. */
  async #amend(change: Extract<BastionClaims, { action: 'amend' }>): Promise<void> {
    const { service: id, from, to, gone, come } = change;
    const entry = this.#entries.get(id);
    const before = entry && !entry.hosted.isGone ? entry.hosted.kept : undefined;
    if (before && to.revision <= before.revision) return;
    const one = before && amended(before, change);
    if (!entry || !one) {
      const { log, uplink } = this.#parts;
      log.warn({ service: id, from: from.revision }, 'a change of a VPN service is not of what is here');
      uplink.send({ ...(entry?.hosted.frame ?? goneFrame(id)), wants_whole: true });
      return;
    }
    await this.#parts.kept.amend(one, { from, to, gone, come });
    // Checked by the wg room, whatever the engine says.
    await entry.hosted.be(one, { gone, come } as unknown as Change);
    this.#tell(entry);
  }

  #demandFree({ service }: Kept): void {
    const name = service.network.interfaces[0]?.name;
    const others = [...this.#entries.values()].filter(({ hosted }) => hosted.id !== service.id);
    if (others.length >= SERVICES_MAX || others.some(({ hosted }) => hosted.interfaceName === name))
      throw new BorealisError('SCHEMA_MISMATCH', { detail: `${name} is another VPN service's already.` });
  }

  async #add(one: Kept): Promise<Entry> {
    const { kept, partsFor, uplink } = this.#parts;
    const { id, network } = one.service;
    const switches = new SwitchLog(kept.switches(id));
    await switches.open();
    const whereabouts = new Whereabouts(kept.clients(id));
    await whereabouts.open();
    const told = (): void => {
      const entry = this.#entries.get(id);
      if (entry) this.#tell(entry);
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

  async #drop(id: string): Promise<void> {
    const { kept, uplink } = this.#parts;
    const entry = this.#entries.get(id);
    // First of all: what fails below is tried again, and does not come back with the next start.
    if (entry) await kept.leave(entry.hosted.leaving);
    else await kept.forget(id);
    await entry?.hosted.close();
    this.#entries.delete(id);
    await kept.remove(id);
    await this.#release();
    uplink.send(goneFrame(id));
  }

  /** What an agent that was killed was just taking down: it may serve clients still. */
  async #clearLeft(): Promise<void> {
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

  async #give(id: string): Promise<void> {
    const { hosted } = this.#entries.get(id) ?? {};
    if (!hosted?.ha?.isHolder)
      throw new BorealisError('HA_NOT_READY', { detail: 'This device does not have the floating address.' });
    try {
      await hosted.ha.give('planned');
    } catch (error) {
      // Whoever asked waits for it.
      if (error instanceof BorealisError)
        this.#parts.uplink.send({
          ...hosted.frame,
          error_code: error.code,
          error: error.detail ?? error.message,
        });
      throw error;
    }
  }

  async #release(): Promise<void> {
    const { release, log } = this.#parts;
    if (this.#entries.size > 0 && !this.#closed) return;
    await release().catch((error: unknown) => log.error({ err: error }, 'packets are still passed on'));
  }

  #retry(): void {
    if (this.#leftBy) this.#serially(() => this.#clearLeft());
    for (const { hosted } of this.#entries.values()) {
      if (hosted.isGone) {
        this.#serially(async () => {
          if (this.#entries.get(hosted.id)?.hosted.isGone) await this.#drop(hosted.id);
        });
        continue;
      }
      hosted
        .needsApply()
        .then((needs) => (needs ? hosted.apply() : undefined))
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'a VPN service could not be looked at'),
        );
    }
  }

  /** Without its firewall a service leads everywhere. */
  #guard(): void {
    for (const { hosted } of this.#entries.values())
      hosted
        .guard()
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'the firewall of a VPN service could not be looked at'),
        );
  }

  // What the engine is told

  #tell({ hosted, switches }: Entry): void {
    const { uplink } = this.#parts;
    uplink.send(hosted.frame);
    if (switches.all.length > 0)
      uplink.send({ type: 'BASTION_SWITCHES', service: hosted.id, switches: [...switches.all] });
  }

  #tellPeers(): void {
    this.#round ??= this.#tellAllPeers()
      .catch((error: unknown) =>
        this.#parts.log.warn({ err: error }, 'the peers of a VPN service could not be read'),
      )
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #tellAllPeers(): Promise<void> {
    for (const { hosted, told } of this.#entries.values()) {
      const peers = ((await hosted.peers()) ?? []).map(presented);
      const changed = peers.filter((peer) => told.get(peer.public_key) !== JSON.stringify(peer));
      for (let i = 0; i < changed.length; i += BASTION_PEERS_MAX) {
        const part = changed.slice(i, i + BASTION_PEERS_MAX);
        if (!this.#parts.uplink.send({ type: 'BASTION_PEERS', service: hosted.id, peers: part })) return;
        for (const peer of part) told.set(peer.public_key, JSON.stringify(peer));
      }
      const there = new Set(peers.map(({ public_key }) => public_key));
      for (const key of told.keys()) if (!there.has(key)) told.delete(key);
    }
  }

  /** One after the other; what fails is logged and ends nothing. */
  #serially(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'the VPN services could not be changed');
    });
  }
}

const goneFrame = (service: string): BastionStateFrame => ({
  type: 'BASTION_STATE',
  service,
  revision: 0,
  state: 'gone',
  error_code: null,
  error: null,
  ha: null,
});

const presented = ({ publicKey, endpoint, lastHandshake, receivedBytes, sentBytes }: ObservedPeer) => ({
  public_key: publicKey,
  endpoint,
  last_handshake: lastHandshake,
  received: receivedBytes,
  sent: sentBytes,
});
