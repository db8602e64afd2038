/** What the two nodes of a pair say to the engine, and its vote. Nobody else has a say in it. */
import { answerTo } from '../../ha/voting.ts';
import type { BastionStateFrame, HaSwitch } from '../../protocol/bastion.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { ChannelConsumer, FrameOf } from '../channel/consumer.ts';
import { isHeardAt } from './checks.ts';
import type { Ledger } from './ledger.ts';
import type { Pair } from './pair.ts';
import type { Pairs } from './pairs.ts';

export class Hearing {
  readonly #pairs: Pairs;
  readonly #ledger: Ledger;

  constructor(pairs: Pairs, ledger: Ledger) {
    this.#pairs = pairs;
    this.#ledger = ledger;
  }

  get consumer(): ChannelConsumer {
    return {
      onClosed: ({ guid, context }) => {
        if (context !== 'system' || this.#pairs.parts.channels.get(guid, 'system')) return;
        for (const pair of this.#pairs.all) if (pair.has(guid)) pair.left(guid);
      },
      frames: {
        BASTION_VOTE: (channel, frame) => this.#vote(channel, frame),
        BASTION_SWITCHES: (channel, frame) => this.#switches(channel, frame),
      },
    };
  }

  /** By daemon/vpn, which hears it first. */
  state({ guid, context }: Pick<AgentChannel, 'guid' | 'context'>, frame: BastionStateFrame): void {
    const pair = this.#pairs.get(frame.service);
    if (context !== 'system' || !pair?.has(guid)) return;
    const endpoint = frame.ha?.endpoint ?? null;
    // What is said of elsewhere is not passed on: the other node would send there.
    const isPlace = endpoint === null || isHeardAt(pair.row, endpoint);
    if (pair.said(guid, isPlace ? frame : { ...frame, ha: frame.ha && { ...frame.ha, endpoint: null } }))
      this.#done(pair, this.#pairs.passOn(pair), 'where a node is heard was not passed on');
    if (frame.ha?.role === 'holder' && pair.row.primary_guid !== guid)
      this.#done(pair, this.#ledger.swap(pair, guid), 'who has the address was not kept');
  }

  /** A node asks with its own name; what it says of others, or for services that are not its own, is no question. */
  #vote(channel: AgentChannel, { service, from, message }: FrameOf<'BASTION_VOTE'>): void {
    const pair = this.#member(channel, service);
    if (!pair) return;
    if (!from.startsWith(`${channel.guid}/`)) {
      this.#alert(channel, `voted for the address of ${pair.service.name} in the name of another`, { from });
      return;
    }
    const sent = answerTo(pair.voter, from, message, this.#pairs.parts.clock.monotonic());
    if (sent) channel.send({ type: 'BASTION_VOTE', service, from: 'witness', message: sent.message });
  }

  #switches(channel: AgentChannel, frame: FrameOf<'BASTION_SWITCHES'>): void {
    const { service, switches } = frame;
    const seen = (): void => {
      channel.send({ type: 'BASTION_SEEN', service, ids: switches.map(({ id }) => id) });
    };
    // Of a pair that is no more there is nobody to tell.
    if (!this.#pairs.get(service)) {
      seen();
      return;
    }
    const pair = this.#member(channel, service);
    if (!pair) return;
    if (!switches.every((one) => isOwn(pair, channel.guid, one))) {
      this.#alert(channel, `told of switches of ${pair.service.name} that are not its own`, {});
      return;
    }
    this.#done(pair, this.#ledger.keep(pair, frame).then(seen), 'switches were not kept');
  }

  /** The pair, where that device is one of the two. */
  #member(channel: AgentChannel, service: string): Pair | undefined {
    const pair = this.#pairs.get(service);
    if (!pair || channel.context !== 'system') return undefined;
    if (pair.has(channel.guid) && !pair.isBarred(channel.guid)) return pair;
    this.#alert(channel, `spoke for the address of ${pair.service.name}, which is not its own`, {});
    return undefined;
  }

  #alert({ guid, name, address }: AgentChannel, what: string, data: Record<string, string>): void {
    void this.#pairs.parts.watch.alert({
      code: 'NOT_ADDRESSED',
      subject: guid,
      message: `${name} ${what}`,
      device: { guid, name },
      data: { ...data, address },
    });
  }

  #done(pair: Pair, work: Promise<unknown>, failure: string): void {
    work.catch((error: unknown) =>
      this.#pairs.parts.log.error({ err: error, vpn: pair.service.name }, failure),
    );
  }
}

/** Who has got the address tells. */
const isOwn = (pair: Pair, guid: string, { from, to }: HaSwitch): boolean =>
  to === guid && (from === null || pair.has(from));
