/**
 * The door for the engine and the agent: one change at a time. While one runs, those that wait become one, the newest:
 * a wanted network is always whole, so what was wanted before it need not be made first.
 */
import { BorealisError } from '../protocol/errors.ts';
import { amend } from './amend.ts';
import { apply, teardown } from './apply.ts';
import { drivers, find, observe } from './observe.ts';
import type { DeviceChange, PeerChange } from './plan.ts';
import { since } from './since.ts';
import type { WgSystem } from './system.ts';
import type { Amendment, ObservedDevice, ObservedNetwork, ObservedPeer, WantedNetwork } from './types.ts';
import { GET, NOTHING, parseGet } from './uapi.ts';
import { checkWanted } from './wanted.ts';

export interface Network {
  /** Resolves when this network, or a newer one, is there. Errors: those of apply.ts. */
  apply(wanted: WantedNetwork): Promise<void>;
  /** What WireGuard knows of the peers, quickly; null where the interface is not there or not ours. As `observe`. */
  peers(interfaceName: string): Promise<readonly ObservedPeer[] | null>;
  /** The same with the interface's own port and key. */
  device(interfaceName: string): Promise<ObservedDevice | null>;
  /** Whether the link is there, and WireGuard behind it answers. To be asked again and again, however many peers it has. */
  stands(interfaceName: string): Promise<boolean>;
  /** How often it was made since this door was opened; each time WireGuard begins without sessions. */
  made(interfaceName: string): number;
  /**
   * Tells WireGuard where these peers are, and to keep calling them; each with all that it is allowed. At once, whatever
   * waits: an apply makes of it what is wanted then. Errors: COMMAND_FAILED, NET_ADMIN_REQUIRED.
   */
  call(interfaceName: string, peers: readonly PeerChange[]): Promise<void>;
  /**
   * Takes all peers away, and with them their sessions, which a link that goes down and up keeps (wireguard-go does); an
   * apply puts them back. As `call`.
   */
  forget(interfaceName: string): Promise<void>;
  /**
   * Whether our table of nftables is there: who flushes all tables of the machine, as the service nftables does when it
   * begins, takes it away, and everybody may go everywhere until it is applied again. To be asked again and again.
   */
  guarded(): Promise<boolean>;
  /** At any time, beside a running change too. */
  observe(interfaces: readonly string[]): Promise<ObservedNetwork>;
  /** After what runs, instead of what waits. Errors: those of apply.ts. */
  teardown(of: { readonly interfaces: readonly string[]; readonly firewall: boolean }): Promise<void>;
}

/** Of an engine's own host. */
export interface GatewayNetwork extends Network {
  /**
   * A few clients of a gateway alone, at a cost that does not grow with all the others; what is there is taken to be what
   * was applied last, and is looked at by the next apply. False: nothing was done, for something else is being done.
   * Errors: those of amend.ts; then an apply is needed.
   */
  amend(amendment: Amendment): Promise<boolean>;
}

interface Waiting {
  work: () => Promise<unknown>;
  readonly done: PromiseWithResolvers<void>;
}

interface Left {
  readonly wanted: WantedNetwork;
  readonly lookedAt: number;
  /** Of wireguard-go, by number: others would mean that the interface is another one. */
  readonly processes: string;
}

/** Milliseconds for which what was looked at is taken to be as it was left: in a rush of changes each is made alone. */
const LOOKED_MS = 5_000;
/** After a change for which others waited, so that yet more of them become one: so many times what it took, at most that. */
const GATHER = { times: 4, maxMs: 50 } as const;

/** Does nothing by itself; there is nothing to close. */
export const createNetwork = (system: WgSystem): GatewayNetwork => {
  let running = false;
  let waiting: Waiting | undefined;
  const made = new Map<string, number>();
  const onMade = (name: string) => void made.set(name, (made.get(name) ?? 0) + 1);
  /** What the last change left, if it was an apply, and when all of it was looked at. */
  let left: Left | undefined;
  /** Changes beside the applies. */
  let others = 0;
  const besides = (): void => {
    left = undefined;
    others += 1;
  };

  const next = async (): Promise<void> => {
    running = true;
    for (let turn = waiting; turn; turn = waiting) {
      waiting = undefined;
      const begun = system.now();
      await turn.work().then(() => turn.done.resolve(), turn.done.reject);
      if (waiting) await system.sleep(Math.min(GATHER.maxMs, (system.now() - begun) * GATHER.times));
    }
    running = false;
  };
  const enqueue = (work: Waiting['work']): Promise<void> => {
    if (waiting) waiting.work = work;
    else waiting = { work, done: Promise.withResolvers() };
    const { promise } = waiting.done;
    if (!running) void next();
    return promise;
  };

  const device = async (name: string): Promise<ObservedDevice | null> => {
    // Asked for many times a second: where a process of ours answers, no command is needed to know whose it is.
    try {
      const answer = (await system.processes(name)).length > 0 ? await system.ask(name, GET) : null;
      if (answer !== null) return parseGet(answer);
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'TIMED_OUT') return null; // it hangs: the next apply removes it
      throw error;
    }
    const { found } = await find(system, name);
    return found.state === 'present' ? found.device : null;
  };

  const tell = async (name: string, change: DeviceChange): Promise<void> => {
    const { kernel, 'wireguard-go': userspace } = drivers(system);
    const isProcess = (await system.processes(name)).length > 0;
    await (isProcess ? userspace : kernel).configure(name, change);
  };

  const processesOf = async ({ interfaces = [] }: WantedNetwork): Promise<string> =>
    JSON.stringify(await Promise.all(interfaces.map(({ name }) => system.processes(name))));

  const applyNext = async (given: WantedNetwork): Promise<void> => {
    const before = left;
    left = undefined;
    const [now, othersBefore] = [system.now(), others];
    const wanted = checkWanted(given);
    const recent = before && now - before.lookedAt < LOOKED_MS && (await applySince(before, wanted));
    if (!recent) await apply(system, given, onMade);
    const processes = recent ? before.processes : await processesOf(wanted);
    if (others === othersBefore) left = { wanted, lookedAt: recent ? before.lookedAt : now, processes };
  };

  /** False where all of it must be looked at: because there is nothing to do, too, for then it was not as it was left. */
  const applySince = async (before: Left, wanted: WantedNetwork): Promise<boolean> => {
    const steps = since(before.wanted, wanted);
    if (!steps || steps.narrow.length + steps.firewall.length + steps.configure.length === 0) return false;
    if ((await processesOf(wanted)) !== before.processes) return false;
    try {
      for (const { name, change } of steps.narrow) await tell(name, change);
      if (steps.firewall.length > 0) await system.changeElements(steps.firewall);
      for (const { name, change } of steps.configure) await tell(name, change);
      return true;
    } catch (error) {
      if (error instanceof BorealisError) return false; // somebody has changed it: the look finds what is wrong
      throw error;
    }
  };

  return {
    apply: (wanted) => enqueue(() => applyNext(wanted)),
    amend: async (of) => {
      if (running) return false;
      await enqueue(() => {
        besides();
        return amend(system, tell, of);
      });
      return true;
    },
    call: (name, peers) => {
      besides();
      return tell(name, { peers });
    },
    async forget(name) {
      besides();
      const remove = ((await device(name))?.peers ?? []).map(({ publicKey }) => publicKey);
      if (remove.length > 0) await tell(name, { remove });
    },
    device,
    guarded: () => system.hasTable(),
    made: (name) => made.get(name) ?? 0,
    async stands(name) {
      if (!(await system.hasLink(name))) return false;
      // The kernel's own always answers.
      return (await system.processes(name)).length === 0 || (await answers(system, name));
    },
    peers: async (name) => (await device(name))?.peers ?? null,
    observe: (interfaces) => observe(system, interfaces, { table: true }),
    teardown: (of) =>
      enqueue(() => {
        besides();
        return teardown(system, of);
      }),
  };
};

const answers = async ({ ask }: WgSystem, name: string): Promise<boolean> => {
  try {
    return (await ask(name, NOTHING)) !== null;
  } catch (error) {
    if (error instanceof BorealisError && error.code === 'TIMED_OUT') return false;
    throw error;
  }
};
