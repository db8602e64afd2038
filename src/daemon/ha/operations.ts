/** High availability as operators ask for it. */
import { randomUUID } from 'node:crypto';
import { BorealisError } from '../../protocol/errors.ts';
import type { Call, Handlers } from '../capability.ts';
import { deviceFailure } from '../devices/failure.ts';
import { allowedInProject } from '../users/roles.ts';
import { findService, type ServiceRow } from '../vpn/rows.ts';
import { enablePair } from './enable.ts';
import type { Pair } from './pair.ts';
import type { Pairs } from './pairs.ts';
import { presentPair, presentSwitch } from './present.ts';
import { deletePair, switchesOf } from './rows.ts';
import { waitFor } from './waiting.ts';

type Names = 'ha.list' | 'ha.show' | 'ha.enable' | 'ha.switch' | 'ha.disable' | 'ha.history';

/** A planned switch takes tenths of a second; the holder waits for its clients to be known first. */
const SWITCHED_MS = 10_000;

export const haOperations = (pairs: Pairs): Handlers<Names> => {
  const { store, events } = pairs.parts;
  const show = (pair: Pair) => presentPair(pair, pairs.around(pair.row.vpn_id));
  const find = async (ref: string): Promise<{ service: ServiceRow; pair: Pair }> => {
    const service = await findService(store.read, ref);
    const pair = pairs.get(service.id);
    if (!pair)
      throw new BorealisError('HA_NOT_FOUND', {
        detail: `${service.name} is meant.`,
        next: `Make one with: borealisctl ha enable ${service.name} --primary DEVICE --standby DEVICE --address CIDR`,
      });
    return { service, pair };
  };
  let last: Promise<unknown> = Promise.resolve();
  /** Two that are made at once would have the same address or port. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  };

  return {
    'ha.list': async (_input, { caller }) =>
      pairs.all
        .filter(({ service }) => allowedInProject(caller, service.project, 'viewer'))
        .map(show)
        .sort((a, b) => (a.vpn < b.vpn ? -1 : 1)),

    'ha.show': async ({ vpn }) => show((await find(vpn)).pair),

    'ha.enable': (input, call) =>
      inTurn(async () => enablePair(pairs, await findService(store.read, input.vpn), input, call)),

    'ha.switch': async ({ vpn }, call) => {
      const { service, pair } = await find(vpn);
      const { holder, to } = demandReady(pairs, pair);
      await store.write(async (tx) => {
        await call.audit(tx, {
          target: service.name,
          detail: { from: pair.nameOf(holder), to: pair.nameOf(to) },
        });
        await events.record(tx, {
          type: 'ha.changed',
          message: `${call.caller.user} hands the address of ${service.name} over to ${pair.nameOf(to)}`,
          data: { vpn: service.name, change: 'handed over' },
        });
      });
      await handOver(pairs, pair, { holder, to }, call);
      return show(pair);
    },

    'ha.disable': ({ vpn }, call) =>
      inTurn(async () => {
        const { service, pair } = await find(vpn);
        await store.write(async (tx) => {
          await deletePair(tx, service.id);
          await call.audit(tx, { target: service.name, detail: { address: pair.row.address } });
          await events.record(tx, {
            type: 'ha.changed',
            message: `${call.caller.user} took the pair of ${service.name} apart`,
            data: { vpn: service.name, change: 'disabled' },
          });
        });
        pairs.remove(service.id);
        await pairs.tell(service.id).finally(() => pairs.bind(pair));
        return { untold: await pairs.parts.bastions.untold(service.id) };
      }),

    'ha.history': async ({ vpn, limit }) => {
      const service = await findService(store.read, vpn);
      return (await switchesOf(store.read, service.id, limit)).map(presentSwitch);
    },
  };
};

interface Hands {
  readonly holder: string;
  readonly to: string;
}

const notReady = (pair: Pair, detail: string): BorealisError =>
  new BorealisError('HA_NOT_READY', {
    detail,
    next: `See how both are with: borealisctl ha show ${pair.service.name}`,
  });

/** Errors: HA_NOT_READY, with why. */
const demandReady = (pairs: Pairs, pair: Pair): Hands => {
  const around = pairs.around(pair.row.vpn_id);
  const verdict = pair.verdict(around);
  const holder = pair.holderOf(verdict);
  if (holder === null || verdict.state === 'conflict') throw notReady(pair, verdict.reason);
  const trouble = pair.troubleOf(holder, around);
  if (trouble !== null) throw notReady(pair, trouble);
  return { holder, to: pair.otherOf(holder) };
};

/** Until the other one says that it has it. Errors: HA_NOT_READY, TIMED_OUT, whatever the holder refused it with. */
const handOver = async (pairs: Pairs, pair: Pair, { holder, to }: Hands, { signal }: Call): Promise<void> => {
  const { vpn_id } = pair.row;
  const before = pair.saidBy(holder);
  if (!pairs.parts.bastions.giveAway(holder, vpn_id, randomUUID()))
    throw notReady(pair, `${pair.nameOf(holder)} is not connected to the engine.`);
  const met = (): BorealisError | true | undefined => {
    if (pair.saidBy(to)?.ha?.role === 'holder') return true;
    const said = pair.saidBy(holder);
    // Its answer, where it keeps the address.
    if (said === before || said?.ha?.role !== 'holder' || said.error_code === null) return undefined;
    return deviceFailure(pair.nameOf(holder), said);
  };
  const found = await waitFor(pair, met, { ms: SWITCHED_MS, signal });
  if (found instanceof BorealisError) throw found;
  if (found) return;
  throw new BorealisError('TIMED_OUT', {
    detail: `${pair.nameOf(to)} has not said within ${SWITCHED_MS / 1000} s that it has the address.`,
    next: `See who has it with: borealisctl ha show ${pair.service.name}`,
  });
};
