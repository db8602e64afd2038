/** Runs inside a machine of the lab and does with its floating address what the test asks, a line of JSON each. */
import { createInterface } from 'node:readline';
import { openFloatingAddress } from '../../../src/ha/floating-address.linux.ts';
import type { FloatingAddress, FloatingAddressOptions } from '../../../src/ha/platform.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';

export type Request =
  | ({ readonly do: 'open' } & FloatingAddressOptions)
  /** When it was done, in milliseconds of the machine's monotonic clock. */
  | { readonly do: 'hold'; readonly seconds: number }
  /** Until it is asked for something else. */
  | { readonly do: 'keep'; readonly seconds: number; readonly everyMs: number }
  | { readonly do: 'drop' | 'isHere' | 'announce' | 'stop' | 'close' | 'descriptors' }
  /** Probes, and tells who answered within so long; sooner where somebody did. */
  | { readonly do: 'probe'; readonly ms: number };

let floating: FloatingAddress | undefined;
let keeping: NodeJS.Timeout | undefined;
let heard: (hardwareAddress: string) => void = () => undefined;

const open = (options: FloatingAddressOptions) => {
  floating = openFloatingAddress(options);
  floating.onAnswer((hardwareAddress) => heard(hardwareAddress));
  const { interfaceName, ownAddress, ownHardwareAddress } = floating;
  return { interfaceName, ownAddress, ownHardwareAddress };
};

const answer = async (request: Request): Promise<unknown> => {
  clearInterval(keeping);
  if (request.do === 'open') return open(request);
  const address = floating;
  if (!address) throw new Error('not open');
  switch (request.do) {
    case 'hold':
      address.hold(request.seconds * 1_000);
      return Number(process.hrtime.bigint()) / 1e6;
    case 'keep': {
      address.hold(request.seconds * 1_000);
      keeping = setInterval(() => address.hold(request.seconds * 1_000), request.everyMs);
      return null;
    }
    case 'probe':
      return new Promise((resolve) => {
        const silence = setTimeout(resolve, request.ms, null);
        heard = (hardwareAddress) => {
          clearTimeout(silence);
          resolve(hardwareAddress);
        };
        address.probe();
      });
    case 'stop':
      return null;
    case 'descriptors':
      // What a child inherits.
      return (await import('node:child_process')).execFileSync('ls', ['-l', '/proc/self/fd'], {
        encoding: 'utf8',
      });
    default:
      return address[request.do]();
  }
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
process.exit();
