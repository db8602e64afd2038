/**
 * Runs the tests that have machines of their own on a kernel with WireGuard in it, in a virtual machine: Debian's kernel
 * over this computer's files, of which nothing is changed. Needs root on Debian, and is quick where /dev/kvm is there.
 *
 *   npm run test:kernel                      all of test/**\/*.lab.test.ts; some where it is slow
 *   npm run test:kernel -- tunnel shell      those with a word of these in their path
 *   npm run test:kernel -- --run 'npx vitest run test/sys'   a command instead, by sh(1)
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isFast, runInside } from './machine.ts';
import { parts } from './parts.ts';

const root = join(import.meta.dirname, '..', '..');
const say = (message: string): void => void process.stderr.write(`borealis: ${message}\n`);

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const WG = ['amend', 'gateway', 'kernel', 'killed', 'refused', 'rush', 'wg-tool'];
const LAB = [
  ...['agent-port', 'copy', 'far-forward', 'left-behind', 'shell'],
  ...['tunnel', 'tunnel-network', 'tunnel-refused', 'vpn', 'vpn-device'],
];
/** The others rest on times of the product itself, such as a handshake's and a lease's, which an emulated processor misses. */
const WITHOUT_CLOCKS = [...WG.map((name) => `wg/${name}`), ...LAB.map((name) => `lab/${name}.lab`)];

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { run: { type: 'string' }, minutes: { type: 'string', default: isFast() ? '40' : '180' } },
  });
  const minutes = Number(values.minutes);
  const found = parts(root, say);
  const names = positionals.length > 0 || isFast() ? positionals : WITHOUT_CLOCKS;
  const tests = ['node', '--no-warnings', 'scripts/test-lab.ts', ...names];
  if (!isFast())
    tests.push('--', '--testTimeout=1800000', '--hookTimeout=1800000', '--expect.poll.timeout=600000');
  const silence = isFast() ? '' : 'BOREALIS_TEST_SILENCE_MS=30000';
  const script = [
    `cd ${quoted(root)} || exit 1`,
    // As npm has it for what it runs.
    `export PATH=${quoted(join(root, 'node_modules', '.bin'))}:"$PATH" BOREALIS_TEST_WIREGUARD=kernel ${silence}`,
    'ip link add dev probe type wireguard && ip link delete dev probe || exit 1',
    values.run ?? tests.map(quoted).join(' '),
  ];
  const how = isFast() ? 'by /dev/kvm' : 'emulated, which takes some twenty times as long';
  say(`Linux ${found.release} in a virtual machine, ${how}; ${minutes} minutes at most`);
  const { status, late } = await runInside(found, `${script.join('\n')}\n`, minutes * 60_000);
  if (late) say(`ended after ${minutes} minutes`);
  else if (status === undefined) say('the machine ended before the tests did');
  return status ?? 1;
};

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  return 1;
});
