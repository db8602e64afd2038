/** Devices that are to run a service no more: told so, waited for, and remembered where they have not said that they do not. */
import type { BastionStateFrame } from '../../protocol/bastion.ts';
import type { Channel } from '../channel/channels.ts';
import type { bastionEnvelopes } from './bastion-envelopes.ts';
import type { EndParts } from './end.ts';
import type { Hosting } from './hosting.ts';
import type { Leaving } from './leaving.ts';
import type { ServiceRow } from './rows.ts';
import { settled } from './settled.ts';

export interface DismissalsParts extends Pick<EndParts, 'log'> {
  readonly envelopes: Pick<ReturnType<typeof bastionEnvelopes>, 'drop'>;
  /** Of the agent that is root. */
  readonly channelOf: (guid: string) => Pick<Channel, 'send'> | undefined;
  readonly leaving: Pick<Leaving, 'add'>;
}

export class Dismissals {
  readonly #row: ServiceRow;
  readonly #parts: DismissalsParts;
  /** They were told, and have not answered. */
  readonly #told = new Map<string, Hosting>();

  constructor(row: ServiceRow, parts: DismissalsParts) {
    this.#row = row;
    this.#parts = parts;
  }

  /** Who does not say soon that it does not run it is remembered. Never rejects. */
  async dismiss(hostings: readonly Hosting[]): Promise<void> {
    const { channelOf, envelopes, log } = this.#parts;
    const { id, name } = this.#row;
    const isAway = ({ guid }: Hosting): boolean => channelOf(guid) === undefined;
    const live = hostings.filter((one) => !isAway(one));
    for (const hosting of live) {
      const { guid } = hosting;
      this.#told.set(guid, hosting);
      channelOf(guid)?.send({ type: 'BASTION', envelope: envelopes.drop(guid, id) });
    }
    try {
      await this.#remember(hostings.filter(isAway));
      await settled(live, (one) => one.said?.state === 'gone' || isAway(one));
      await this.#remember(live.filter(({ said }) => said?.state !== 'gone'));
    } catch (error) {
      // They hear of it all the same, when they say that they run it.
      log.error(
        { err: error, vpn: name },
        'it could not be kept that a device is to run a VPN service no more',
      );
    }
    for (const { guid } of live) this.#told.delete(guid);
  }

  async #remember(some: readonly Hosting[]): Promise<void> {
    await this.#parts.leaving.add(
      this.#row.id,
      some.map(({ guid, node }) => ({ guid, address: node.ha?.address ?? null })),
    );
  }

  /** By a device that is not to run it, and does not. */
  heardGone(guid: string, frame: BastionStateFrame): void {
    this.#told.get(guid)?.heard(frame);
  }

  /** It is not connected any more. */
  left(guid: string): void {
    this.#told.get(guid)?.left();
  }
}
