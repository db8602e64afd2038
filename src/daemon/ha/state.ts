/** How a pair is, from what its nodes last told. Pure. */
import type { HostedHaState } from '../../protocol/bastion.ts';
import type { HaState } from '../../protocol/ha.ts';

/** Seconds; less, and a takeover is hardly longer by it. */
const CLOCK_BEHIND = 2;

export interface NodeNow {
  readonly name: string;
  readonly online: boolean;
  /** It may host nothing now: quarantined, revoked, gone. */
  readonly barred: boolean;
  /** What it said; null where it is not connected, or has said nothing yet. */
  readonly ha: HostedHaState | null;
  readonly behind: number | null;
  readonly error: string | null;
}

export interface PairNow {
  readonly address: string;
  /** [the one that had it last, the other one] */
  readonly nodes: readonly [NodeNow, NodeNow];
  /** For how long, in milliseconds, nobody has had it. */
  readonly nobodyFor: number;
  /** Nobody having it for so long is a change of hands. */
  readonly patience: number;
  readonly flapping: boolean;
}

export interface Verdict {
  readonly state: HaState;
  readonly reason: string;
  /** Of `nodes`; null: nobody, or nobody knows. */
  readonly holder: 0 | 1 | null;
}

export const verdictOf = (pair: PairNow): Verdict => {
  const { nodes, address } = pair;
  const stranger = nodes.find(({ ha }) => ha?.stranger)?.ha?.stranger;
  const holder = holderOf(nodes);
  if (stranger)
    return {
      state: 'conflict',
      reason: `${stranger}, which is neither of the two, answers for ${address} on the network.`,
      holder,
    };
  if (holder === null) return { ...withoutHolder(pair), holder };
  const [has, other] = [nodes[holder], nodes[1 - holder] as NodeNow];
  const trouble =
    troubleOf(has, other) ??
    (pair.flapping ? 'The address changed hands too often lately.' : null) ??
    clockTrouble(has, other);
  if (trouble !== null) return { state: 'degraded', reason: trouble, holder };
  return { state: 'ok', reason: `${has.name} has the address; ${other.name} can take it at once.`, holder };
};

/** One that the engine does not hear, and the other one does, has it still: else that one would have taken it. */
const holderOf = ([last, other]: PairNow['nodes']): 0 | 1 | null => {
  if (last.ha?.role === 'holder') return 0;
  if (other.ha?.role === 'holder') return 1;
  return !last.online && !last.barred && other.ha?.other_heard ? 0 : null;
};

/** It could take the address all the same, and after a while its clients would hear it. */
const clockTrouble = (has: NodeNow, other: NodeNow): string | null => {
  const seconds = other.ha?.clock_behind ?? 0;
  if (seconds < CLOCK_BEHIND) return null;
  return (
    `${other.name}’s clock is ${seconds} s behind ${has.name}’s: for so long clients would refuse its handshakes. ` +
    'Keep both in step, by NTP.'
  );
};

/** Why the other one could not take it; null: it could. */
export const troubleOf = (has: NodeNow, other: NodeNow): string | null => {
  if (other.barred) return `${other.name} is quarantined, revoked or removed.`;
  if (!other.online) return `${other.name} is offline; nobody could take the address.`;
  if (!other.ha)
    return other.error === null
      ? `${other.name} has not told how it is.`
      : `${other.name}: ${sentence(other.error)}`;
  if (other.ha.role === 'holder') return `${other.name} says that it has the address as well.`;
  if (other.ha.role === 'failed')
    return `${other.name} could not take the address: ${sentence(other.error ?? 'it failed')}`;
  if (other.error !== null) return `${other.name}: ${sentence(other.error)}`;
  if (other.ha.role === 'behind' || (other.behind ?? 0) > 0)
    return `${other.name} does not have the newest connections yet.`;
  if (!has.online) return `${has.name} has the address, but is not connected to the engine.`;
  if (!has.ha?.other_heard || !other.ha.other_heard)
    return 'The two do not hear each other; only the engine’s vote lets one of them have the address.';
  return has.error === null ? null : `${has.name}: ${sentence(has.error)}`;
};

const withoutHolder = ({ nodes, nobodyFor, patience }: PairNow): Omit<Verdict, 'holder'> => {
  if (nobodyFor < patience) return { state: 'switching', reason: 'The address is on its way.' };
  const silent = nodes.filter(({ online }) => !online);
  if (silent.length === 2)
    return {
      state: 'down',
      reason: 'Neither device is connected to the engine, so nobody knows who has the address.',
    };
  const failed = nodes.find(({ error }) => error !== null);
  if (failed) return { state: 'down', reason: `${failed.name}: ${sentence(failed.error ?? '')}` };
  const gone = silent[0] ? ` ${silent[0].name} is offline.` : '';
  return { state: 'down', reason: `Nobody has the address.${gone}` };
};

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
