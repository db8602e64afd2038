/** The devices that run services: what they say goes to the service that it is about, and to nobody else. */
import type { BastionStateFrame } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Event } from '../../protocol/event.ts';
import type { Transaction } from '../../store/store.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { Channels } from '../channel/channels.ts';
import type { ChannelConsumer } from '../channel/consumer.ts';
import { type DeviceRow, resolveDevice } from '../devices/resolve.ts';
import type { Bastions, HaNodes } from '../ha/bastions.ts';
import { bastionEnvelopes } from './bastion-envelopes.ts';
import { DeviceEnd } from './device-end.ts';
import type { EndParts, VpnEnd } from './end.ts';
import type { Node } from './hosting.ts';
import { Leaving } from './leaving.ts';
import type { ServiceRow } from './rows.ts';

export interface BastionsParts extends EndParts {
  readonly channels: Pick<Channels, 'get' | 'online'>;
  readonly pairs: HaNodes;
  /** What a device that has a part in a pair says, for the pair. */
  readonly heard: (channel: Pick<AgentChannel, 'guid' | 'context'>, frame: BastionStateFrame) => void;
}

export interface Ends {
  readonly ends: () => Iterable<VpnEnd>;
  changed(row: ServiceRow): Promise<void>;
}

export class DeviceBastions implements Bastions {
  readonly #parts: BastionsParts;
  /** Who may run what is not its any more. */
  readonly leaving: Leaving;
  readonly #envelopes: ReturnType<typeof bastionEnvelopes>;
  #services: Ends | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: BastionsParts) {
    this.#parts = parts;
    this.leaving = new Leaving(parts.store);
    this.#envelopes = bastionEnvelopes(parts.keys, parts.clock);
  }

  /** From now on it is known who runs what: not before may a device be told that it runs what nobody wants. */
  start(services: Ends): void {
    this.#services = services;
    for (const guid of this.#parts.channels.online()) {
      this.#ready(guid);
      this.#dropLeft(guid);
    }
    this.#unsubscribe = this.#parts.events.subscribe((event) => this.#happened(event));
  }

  close(): void {
    this.#unsubscribe?.();
    this.#services = undefined;
  }

  /** Null: this host. */
  nodesOf(row: Pick<ServiceRow, 'id' | 'node'>): readonly Node[] | null {
    return (
      this.#parts.pairs.nodesOf(row.id) ?? (row.node === 'engine' ? null : [{ guid: row.node, ha: null }])
    );
  }

  /** In the transaction that deletes it. */
  deleted(tx: Transaction, { id }: ServiceRow): Promise<void> {
    return this.#parts.pairs.deleted(tx, id);
  }

  endOf(row: ServiceRow): DeviceEnd {
    const { store, channels } = this.#parts;
    return new DeviceEnd(row, {
      ...this.#parts,
      envelopes: this.#envelopes,
      leaving: this.leaving,
      channelOf: (guid) => channels.get(guid, 'system'),
      factsOf: async (guid) =>
        (await store.read
          .selectFrom('device')
          .select(['name', 'state'])
          .where('guid', '=', guid)
          .executeTakeFirst()) ?? null,
      nodesOf: (one) => this.nodesOf(one) ?? [],
    });
  }

  /** Errors: DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_STATE_CONFLICT, DEVICE_OFFLINE, BASTION_UNSUPPORTED. */
  async demandHost(ref: string): Promise<DeviceRow> {
    const device = await resolveDevice(this.#parts.store.read, ref);
    const { guid, name, state } = device;
    if (state !== 'active')
      throw new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${name} is ${state}.` });
    const hosts = this.hosts(guid);
    if (hosts === undefined) throw new BorealisError('DEVICE_OFFLINE', { detail: `${name} is meant.` });
    if (!hosts)
      throw new BorealisError('BASTION_UNSUPPORTED', {
        detail: `${name} is meant.`,
        next: `It needs Linux, an agent that runs as root, and there: apt-get install nftables iproute2 wireguard-tools`,
      });
    return device;
  }

  // For pairs

  hosts(guid: string): boolean | undefined {
    return this.#parts.channels.get(guid, 'system')?.hostsServices;
  }

  async changed(row: ServiceRow): Promise<void> {
    await this.#services?.changed(row);
  }

  revision(vpnId: string): number {
    return this.#end(vpnId)?.revision ?? 0;
  }

  /** Names of devices that do not know yet what they are to be for that service. */
  async untold(vpnId: string): Promise<string[]> {
    const left = await this.leaving.of(vpnId);
    return [...new Set([...(this.#end(vpnId)?.behind ?? []), ...left.map(({ name }) => name)])].sort();
  }

  giveAway(guid: string, vpnId: string, id: string): boolean {
    const end = this.#end(vpnId);
    return end?.has(guid) ? end.giveAway(guid, id) : false;
  }

  // What agents say

  get consumer(): ChannelConsumer {
    return {
      onReady: ({ guid, context }) => {
        if (context === 'system') this.#ready(guid);
        if (context === 'system' && this.#services) this.#dropLeft(guid);
      },
      onClosed: ({ guid, context }, parting) => {
        if (context !== 'system' || parting === 'replaced') return;
        for (const end of this.#devices) end.left(guid);
      },
      onTick: () => {
        for (const end of this.#devices) end.tick();
      },
      frames: {
        BASTION_STATE: (channel, frame) => {
          if (channel.context !== 'system' || !this.#services) return;
          const end = this.#end(frame.service);
          if (end?.has(channel.guid)) end.heard(channel.guid, frame);
          else if (frame.state !== 'gone') this.#drop(channel, frame.service);
          else this.#gone(channel, frame);
          this.#parts.heard(channel, frame);
        },
        BASTION_PEERS: (channel, frame) => {
          if (channel.context === 'system') this.#end(frame.service)?.heardPeers(channel.guid, frame);
        },
      },
    };
  }

  get #devices(): DeviceEnd[] {
    return [...(this.#services?.ends() ?? [])].filter((end) => end instanceof DeviceEnd);
  }

  #end(vpnId: string): DeviceEnd | undefined {
    return this.#devices.find(({ row }) => row.id === vpnId);
  }

  #ready(guid: string): void {
    for (const end of this.#devices) end.ready(guid);
  }

  /** It was taken from the device, or is no more, while the device could not hear of it. */
  #drop(channel: Pick<AgentChannel, 'guid' | 'name' | 'send'>, service: string): void {
    const { store, log } = this.#parts;
    const check = async (): Promise<void> => {
      const row = await store.read
        .selectFrom('vpn_service')
        .selectAll()
        .where('id', '=', service)
        .executeTakeFirst();
      if (row && this.nodesOf(row)?.some(({ guid }) => guid === channel.guid)) return;
      channel.send({ type: 'BASTION', envelope: this.#envelopes.drop(channel.guid, service) });
    };
    check().catch((error: unknown) =>
      log.error(
        { err: error, device: channel.name },
        'a device could not be told that a VPN service is no more',
      ),
    );
  }

  #gone({ guid, name }: AgentChannel, frame: BastionStateFrame): void {
    const { service } = frame;
    this.#end(service)?.heardGone(guid, frame);
    this.leaving
      .over(service, [guid])
      .catch((error: unknown) =>
        this.#parts.log.error(
          { err: error, device: name },
          'it could not be kept that a VPN service is gone',
        ),
      );
  }

  /** Of what it may run still it is told, whether it says that it does or not: its answer is what is waited for. */
  #dropLeft(guid: string): void {
    const channel = this.#parts.channels.get(guid, 'system');
    if (!channel) return;
    this.leaving
      .servicesOf(guid)
      .then((services) => {
        for (const service of services) this.#drop(channel, service);
      })
      .catch((error: unknown) =>
        this.#parts.log.error(
          { err: error, device: guid },
          'what a device may run still could not be looked up',
        ),
      );
  }

  #happened({ type, guid }: Event): void {
    if (guid === null || !type.startsWith('device.') || type === 'device.inventory') return;
    for (const end of this.#devices)
      if (end.has(guid))
        end
          .refresh(guid)
          .catch((error: unknown) =>
            this.#parts.log.error({ err: error, vpn: end.row.name }, 'a device could not be looked up'),
          );
  }
}
