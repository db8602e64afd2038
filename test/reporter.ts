/**
 * Names every skipped test with its reason and every failed one, and closes with one plain line, `N passed, N failed, N
 * skipped`, the last that the process writes. A skip without a reason fails the run, as does whatever went wrong outside a
 * test. `failed for good:` names what no second try can make good (BrokenPromise).
 */
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import { BROKEN_PROMISE } from './broken-promise.ts';
import type {} from './require.ts';

export class PlainReporter implements Reporter {
  #lines: string[] = [];
  #filtered = false;
  #listening = false;

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined;
    if (this.#listening) return;
    this.#listening = true;
    // At exit, so that nothing comes after: not the summary of the default reporter, nor a warning at the end.
    process.once('exit', () => {
      if (this.#lines.length > 0) process.stdout.write(`${this.#lines.join('\n')}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const [skips, failures]: [string[], string[]] = [[], []];
    for (const _ of unhandled) failures.push('failed for good: something outside of the tests');
    let passed = 0;
    for (const module of modules) {
      for (const _ of module.errors()) failures.push(`failed: ${module.relativeModuleId}`);
      for (const suite of module.children.allSuites())
        for (const _ of suite.errors())
          failures.push(`failed: ${module.relativeModuleId} > ${suite.fullName} (around its tests)`);
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') {
          const forGood = errors.some(({ name }) => name === BROKEN_PROMISE);
          failures.push(`${forGood ? 'failed for good' : 'failed'}: ${place(test)}`);
        } else if (brokenAround(test)) failures.push(`failed: ${place(test)} (not run)`);
        else if (skipReason(test) !== undefined) skips.push(`skipped: ${place(test)}: ${skipReason(test)}`);
        else if (!this.#filtered)
          failures.push(`failed for good, as it was skipped without a reason: ${place(test)}`);
      }
    }
    if (failures.length > 0) process.exitCode = 1;
    const total = `${passed} passed, ${failures.length} failed, ${skips.length} skipped`;
    this.#lines = [...skips, ...failures, total];
  }
}

const place = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`;

/** A test that did not run because a hook around it, or its file, failed. */
function brokenAround(test: TestCase): boolean {
  let around: TestSuite | TestModule = test.parent;
  while (around.type === 'suite') {
    if (around.errors().length > 0) return true;
    around = around.parent;
  }
  return around.errors().length > 0;
}

function skipReason(test: TestCase): string | undefined {
  const result = test.result();
  return (result.state === 'skipped' ? result.note : undefined) ?? test.meta().skipReason;
}
