/** The engine's signed words about VPN services on this device, and what is done at each. */
import type { BastionClaims } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { refuseWord } from '../refused-word.ts';
import { Telling } from '../telling.ts';
import { amended, keptOf } from './amended.ts';
import type { BastionParts } from './bastion-parts.ts';
import type { Change } from './hosted-network.ts';
import type { HostedServices } from './hosted-services.ts';
import { failedFrame, goneFrame, type Reports } from './reports.ts';
import { type HoldWord, Parts, verifyBastion } from './word.ts';

type AmendWord = Extract<BastionClaims, { action: 'amend' }>;

export class Orders {
  readonly #parts: Pick<BastionParts, 'trust' | 'kept' | 'seen' | 'uplink' | 'clock' | 'log'>;
  readonly #services: HostedServices;
  readonly #reports: Reports;
  readonly #joining = new Parts();
  readonly #telling: Telling;

  constructor(
    parts: Pick<BastionParts, 'trust' | 'kept' | 'seen' | 'uplink' | 'clock' | 'log'>,
    services: HostedServices,
    reports: Reports,
  ) {
    this.#parts = parts;
    this.#services = services;
    this.#reports = reports;
    this.#telling = new Telling(parts.clock);
  }

  /** One at a time. Never rejects: what is refused, or fails, the engine is told. `mayObey`: this agent does not end. */
  async obey(envelope: string, mayObey: () => boolean): Promise<void> {
    const { trust, seen, clock } = this.#parts;
    try {
      const now = clock.now();
      const claims = verifyBastion(envelope, trust, now);
      await seen.use(claims, claims.service, now);
      if (mayObey()) await this.#obey(claims);
    } catch (error) {
      refuseWord(error, { ...this.#parts, telling: this.#telling });
    }
  }

  #obey(claims: BastionClaims): Promise<void> {
    switch (claims.action) {
      case 'drop':
        return this.#services.drop(claims.service);
      case 'switch':
        return this.#give(claims.service);
      case 'amend':
        return this.#amend(claims);
      case 'hold':
        return this.#hold(claims);
    }
  }

  async #hold(claims: HoldWord): Promise<void> {
    const { service: id, revision } = claims;
    const { kept } = this.#parts;
    const services = this.#services;
    const entry = services.get(id);
    // What is older than what is here was overtaken.
    if (entry && revision < entry.hosted.kept.revision) return;
    const service = this.#joining.add(claims);
    if (!service) return;
    const one = keptOf(service, revision);
    // Another interface, or one that was to go and could not.
    const isOther = entry?.hosted.interfaceName !== service.network.interfaces[0]?.name;
    if (entry && (isOther || entry.hosted.isGone)) await services.drop(id);
    services.demandFree(one);
    try {
      await kept.put(one);
    } catch (error) {
      // Whoever asked hears why, rather than nothing.
      this.#parts.uplink.send(failedFrame(entry?.hosted.frame ?? goneFrame(id), error));
      throw error;
    }
    await kept.settled(id);
    const now = services.get(id) ?? (await services.add(one));
    await now.hosted.be(one);
    this.#reports.tell(now);
  }

  /** To whoever has what it is a change of, and to nobody else: what was told once leads nowhere from anything later. */
  async #amend(change: AmendWord): Promise<void> {
    const { service: id, from, to, gone, come } = change;
    const entry = this.#services.get(id);
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
    this.#reports.tell(entry);
  }

  async #give(id: string): Promise<void> {
    const { hosted } = this.#services.get(id) ?? {};
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
}
