/**
 * Names every skipped test with its reason, and closes with one plain line, `N passed, N failed, N skipped`, the last that
 * the process writes. A skip without a reason fails the run, as does whatever went wrong outside a test.
 */
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
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
    const skips: string[] = [];
    let [passed, failed] = [0, unhandled.length];
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else if (brokenAround(test)) failed += 1;
        else if (skipReason(test) !== undefined) skips.push(`skipped: ${place(test)}: ${skipReason(test)}`);
        else if (!this.#filtered) {
          failed += 1;
          skips.push(`skipped without a reason, which counts as failed: ${place(test)}`);
        }
      }
    }
    const skipped = skips.filter((line) => line.startsWith('skipped: ')).length;
    if (failed > 0) process.exitCode = 1;
    this.#lines = [...skips, `${passed} passed, ${failed} failed, ${skipped} skipped`];
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
