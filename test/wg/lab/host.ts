/**
 * Runs inside a network namespace and does there what the test asks, a line of JSON each: the real code on the real
 * machine. Asked to, it kills itself with SIGKILL before, or in the middle of, its nth change.
 */
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { apply, teardown } from '../../../src/wg/apply.ts';
import { createNetwork } from '../../../src/wg/network.ts';
import { observe } from '../../../src/wg/observe.ts';
import { linuxSystem } from '../../../src/wg/system.linux.ts';
import type { WgSystem } from '../../../src/wg/system.ts';
import type { Amendment, WantedNetwork } from '../../../src/wg/types.ts';
import { DRIVER } from './driver.ts';

export type Request = (
  | { readonly do: 'apply'; readonly wanted: WantedNetwork }
  /** One directly after the other; answers with the programs that the last of them started. */
  | { readonly do: 'rush'; readonly wanted: readonly WantedNetwork[] }
  | { readonly do: 'teardown'; readonly interfaces: readonly string[]; readonly firewall: boolean }
  | { readonly do: 'amend'; readonly amendment: Amendment }
  | { readonly do: 'observe'; readonly interfaces: readonly string[] }
) & {
  /** Counted from 0; commands that only look do not count. */
  readonly killAt?: { readonly change: number; readonly moment: 'before' | 'during' };
};

const LOOKS = new Set(['-json', '-4', '-6', '-j', 'show']);

const mortal = (system: WgSystem, killAt: Request['killAt']): WgSystem => {
  let change = -1;
  const around = async <T>(start: () => Promise<T>): Promise<T> => {
    change += 1;
    if (change !== killAt?.change) return start();
    if (killAt.moment === 'during') {
      start().catch(() => undefined); // nobody lives to see how it ends
      await setImmediate();
    }
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
  return {
    ...system,
    run: (file, args, options) => {
      const start = () => system.run(file, args, options);
      return LOOKS.has(args[0] ?? '') ? start() : around(start);
    },
    ask: (name, request) => {
      const start = () => system.ask(name, request);
      return request.startsWith('get') ? start() : around(start);
    },
  };
};

/** As on a kernel without WireGuard, also where it has it: ip(8) itself then says that it does not know the kind. */
const withoutModule = (system: WgSystem): WgSystem => ({
  ...system,
  run: (file, args, options) =>
    system.run(file, file === 'ip' && args.at(-1) === 'wireguard' ? args.with(-1, 'unknown') : args, options),
});
const linux = linuxSystem('borealis');
const machine = DRIVER === 'kernel' ? linux : withoutModule(linux);

const rush = async (system: WgSystem, all: readonly WantedNetwork[]): Promise<string[]> => {
  let files: string[] = [];
  const run: WgSystem['run'] = (file, args, options) => {
    files.push(file);
    return system.run(file, args, options);
  };
  // A clock that stands: however slow this machine is, they follow each other closely.
  const network = createNetwork({ ...system, run, now: () => 0 });
  for (const wanted of all) {
    files = [];
    await network.apply(wanted);
  }
  return files;
};

const answer = async (request: Request): Promise<unknown> => {
  const system = mortal(machine, request.killAt);
  if (request.do === 'apply') return apply(system, request.wanted);
  if (request.do === 'rush') return rush(system, request.wanted);
  if (request.do === 'amend') return createNetwork(system).amend(request.amendment);
  if (request.do === 'teardown') return teardown(system, request);
  const { interfaces, table } = await observe(system, request.interfaces, { table: true });
  return { interfaces: Object.fromEntries(interfaces), table };
};

for await (const line of createInterface(process.stdin)) {
  const reply = await answer(JSON.parse(line) as Request).then(
    (value) => ({ value: value ?? null }),
    (error: unknown) => {
      if (!(error instanceof BorealisError)) throw error;
      const { code, message, next } = error;
      return { error: { code, message, next } };
    },
  );
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
