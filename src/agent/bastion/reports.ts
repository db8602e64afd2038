/** What the engine is told of the VPN services on this device: how each is, its switches, and who uses it. */
import { BASTION_PEERS_MAX, type BastionStateFrame } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { BastionParts } from './bastion-parts.ts';
import type { Entry } from './hosted-services.ts';

type ReportsParts = Pick<BastionParts, 'uplink' | 'kept' | 'clock' | 'log'>;

export class Reports {
  readonly #parts: ReportsParts;
  readonly #entries: () => readonly Entry[];
  #round: Promise<void> | undefined;

  constructor(parts: ReportsParts, entries: () => readonly Entry[]) {
    this.#parts = parts;
    this.#entries = entries;
  }

  /** There is a channel again: nothing is known at its other end. */
  tellAnew(): void {
    for (const entry of this.#entries()) {
      entry.told.clear();
      this.tell(entry);
    }
    for (const [id, error] of this.#parts.kept.unread)
      this.#parts.uplink.send({ ...failedFrame(goneFrame(id), error), wants_whole: true });
    this.tellPeers();
  }

  tell({ hosted, switches }: Entry): void {
    const { uplink, clock } = this.#parts;
    uplink.send(hosted.frame);
    if (switches.all.length === 0) return;
    const now = new Date(clock.now()).toISOString();
    uplink.send({ type: 'BASTION_SWITCHES', service: hosted.id, now, switches: [...switches.all] });
  }

  /** Those that are others than the engine knows. */
  tellPeers(): void {
    this.#round ??= this.#tellPeers()
      .catch((error: unknown) =>
        this.#parts.log.warn({ err: error }, 'the peers of a VPN service could not be read'),
      )
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #tellPeers(): Promise<void> {
    for (const { hosted, told } of this.#entries()) {
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
}

export const goneFrame = (service: string): BastionStateFrame => ({
  type: 'BASTION_STATE',
  service,
  revision: 0,
  state: 'gone',
  error_code: null,
  error: null,
  ha: null,
});

export const failedFrame = (frame: BastionStateFrame, error: unknown): BastionStateFrame => ({
  ...frame,
  state: 'failed',
  error_code: error instanceof BorealisError ? error.code : 'INTERNAL',
  error: (error as Error).message.slice(0, 2_000),
});

const presented = ({ publicKey, endpoint, lastHandshake, receivedBytes, sentBytes }: ObservedPeer) => ({
  public_key: publicKey,
  endpoint,
  last_handshake: lastHandshake,
  received: receivedBytes,
  sent: sentBytes,
});
