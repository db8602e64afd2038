import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { PlainReporter } from './test/reporter.ts';
import { DRIVER } from './test/wg/lab/driver.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // The kernel's own WireGuard is tested in a virtual machine, which has it: npm run test:kernel.
    exclude: [...configDefaults.exclude, ...(DRIVER === 'kernel' ? [] : ['test/wg/kernel.lab.test.ts'])],
    reporters: ['default', new PlainReporter()],
    // A process a file: tests load machine code, change directories and end processes.
    pool: 'forks',
    // The tests start processes of their own, and many wait: three at a time keep two cores busy without starving them.
    maxWorkers: Math.max(3, Math.floor(availableParallelism() / 2)),
    sequence: { sequencer: LongestFirst },
    // Limits of what hangs, not of what is slow: an emulated machine gets others (test/kernel/run.ts).
    testTimeout: 150_000,
    hookTimeout: 150_000,
    teardownTimeout: 10_000,
    // A second, as it is by itself, is no time on a busy machine.
    expect: { poll: { timeout: 60_000 } },
  },
});
