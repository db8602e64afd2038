/**
 * Makes the network what is wanted of it. Each step is one command or one call; ended between any two of them, or in
 * one, the next apply or teardown finds what is there and goes on from it. Nothing is remembered anywhere else.
 */
import { BorealisError } from '../protocol/errors.ts';
import { CommandError } from '../sys/command.ts';
import { must, portTaken, unless } from './commands.ts';
import { diff } from './diff.ts';
import type { Driver } from './driver.ts';
import { FAMILY, replaceTable } from './nft.ts';
import { drivers, find, observe } from './observe.ts';
import type { Step } from './plan.ts';
import { type WgSystem, waitUntil } from './system.ts';
import type { ObservedNetwork, WantedNetwork } from './types.ts';
import { checkName, checkWanted } from './wanted.ts';

/** Milliseconds for wireguard-go to open its port once its link is up. */
const LISTENING_MS = 5_000;

/**
 * Returns the steps that were needed; none where all was so already. Errors: INVALID_INPUT, WG_INTERFACE_FOREIGN,
 * PORT_TAKEN before anything has changed; WG_ROUTE_TAKEN, WIREGUARD_MISSING, PROGRAM_MISSING, NET_ADMIN_REQUIRED,
 * COMMAND_FAILED with the steps before the failed one done.
 */
export const apply = async (
  system: WgSystem,
  given: WantedNetwork,
  onMade: (name: string) => void = () => {},
): Promise<readonly Step[]> => {
  const wanted = checkWanted(given);
  const names = (wanted.interfaces ?? []).map(({ name }) => name);
  const observed = await observe(system, names, { table: wanted.firewall !== undefined });
  const steps = diff(wanted, observed, system.table);
  for (const step of steps) await checkPort(system, step);
  const behind = driversBehind(system, observed);
  for (const together of inTurns(steps)) {
    const done = await Promise.allSettled(
      together.map(async (step) => {
        await perform(system, step, behind);
        // Told at once: a later step may fail, and the interface is another one all the same.
        if (step.kind === 'create-interface') onMade(step.name);
      }),
    );
    for (const of of done) if (of.status === 'rejected') throw of.reason;
  }
  for (const { name, listenPort } of wanted.interfaces ?? []) {
    const concerned = steps.some((step) => 'name' in step && step.name === name);
    if (concerned && listenPort !== undefined) await listening(system, name, listenPort);
  }
  return steps;
};

/**
 * One after the other; only the table is made while new interfaces are: nothing passes through one that has no key, no
 * address and is down.
 */
const inTurns = (steps: readonly Step[]): Step[][] => {
  const turns: Step[][] = [];
  for (const step of steps) {
    const first = turns.at(-1)?.[0];
    if (step.kind === 'create-interface' && first?.kind === 'replace-table') turns.at(-1)!.push(step);
    else turns.push([step]);
  }
  return turns;
};

/** Removes the interfaces, and with `firewall` our table, which goes last. What is somebody else's stays. */
export const teardown = async (
  system: WgSystem,
  { interfaces, firewall }: { readonly interfaces: readonly string[]; readonly firewall: boolean },
): Promise<void> => {
  for (const name of interfaces.map(checkName)) {
    const { driver, found } = await find(system, name);
    if (found.state !== 'foreign') await driver?.remove(name);
  }
  if (firewall) await removeTable(system);
};

/** Which driver has each interface; the steps keep it up to date. */
type Behind = Map<string, Driver>;

const driversBehind = (system: WgSystem, { interfaces }: ObservedNetwork): Behind => {
  const all = drivers(system);
  const behind: Behind = new Map();
  for (const [name, presence] of interfaces) {
    if (presence.state === 'present') behind.set(name, all[presence.interface.driver]);
    if (presence.state === 'broken') behind.set(name, all['wireguard-go']);
  }
  return behind;
};

const perform = async (system: WgSystem, step: Step, behind: Behind): Promise<void> => {
  switch (step.kind) {
    case 'create-interface':
      behind.set(step.name, await create(system, step.name));
      return;
    case 'remove-interface':
      return behind.get(step.name)?.remove(step.name);
    case 'narrow-device':
    case 'configure-device':
      return behind.get(step.name)?.configure(step.name, step.change);
    case 'configure-ip':
      return configureIp(system, step.lines);
    case 'replace-table':
      await must(system, 'nft', ['-f', '-'], { input: replaceTable(system.table, step.text) });
      return;
    case 'remove-table':
      return removeTable(system);
  }
};

/** The kernel's where it has one; tried, not guessed. Errors: WIREGUARD_MISSING. */
const create = async (system: WgSystem, name: string): Promise<Driver> => {
  const { kernel, 'wireguard-go': userspace } = drivers(system);
  if (await kernel.create(name)) return kernel;
  await userspace.create(name);
  return userspace;
};

const configureIp = async (system: WgSystem, lines: readonly string[]): Promise<void> => {
  try {
    await must(system, 'ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  } catch (error) {
    const at =
      error instanceof CommandError ? /Command failed -:(\d+)/.exec(error.result.stderr)?.[1] : undefined;
    const line = lines[Number(at) - 1];
    if (
      error instanceof CommandError &&
      line?.startsWith('route add') &&
      /File exists/.test(error.result.stderr)
    ) {
      throw new BorealisError('WG_ROUTE_TAKEN', { detail: `ip ${line}`, cause: error });
    }
    throw error;
  }
};

const removeTable = async (system: WgSystem): Promise<void> => {
  await unless(system, /No such file or directory/, 'nft', ['delete', 'table', FAMILY, system.table]);
};

/** wireguard-go opens its port only when its link comes up, and would then just log that it could not. */
const checkPort = async (system: WgSystem, step: Step): Promise<void> => {
  if (step.kind !== 'configure-device' || step.change.listenPort === undefined) return;
  await heldByUs(system, step.name, step.change.listenPort, { told: false });
};

const listening = async (system: WgSystem, name: string, port: number): Promise<void> => {
  if (await waitUntil(system, () => heldByUs(system, name, port, { told: true }), LISTENING_MS)) return;
  throw new BorealisError('COMMAND_FAILED', {
    detail: `${name} is up and does not listen on UDP port ${port}.`,
  });
};

/** False where nobody has the port, of which the interface has been `told`, or will be. Errors: PORT_TAKEN. */
const heldByUs = async (
  system: WgSystem,
  name: string,
  port: number,
  { told }: { readonly told: boolean },
): Promise<boolean> => {
  const ours = await system.processes(name);
  const holder = await system.udpPortHolder(port, ours);
  if (holder === null) return false;
  // The kernel's own sockets have no process; it has let this interface take the port, and nobody else has it then.
  if (holder.pid === null ? told && ours.length === 0 : ours.includes(holder.pid)) return true;
  const who =
    holder.pid === null ? 'the kernel or a hidden process' : `${holder.command} (process ${holder.pid})`;
  throw portTaken({ detail: `UDP port ${port}, which ${name} needs, is held by ${who}.` });
};
