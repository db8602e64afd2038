/**
 * The order in which test files begin. In a clean clone, where no run has left its times, vitest begins with the largest files; those
 * here take minutes though they are small, and one that begins last keeps a whole run waiting while the other workers have nothing to do.
 */
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

const LONGEST = ['test/lab/ha/ha.lab.test.ts', 'test/lab/ha/ha-keepalived.lab.test.ts'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((path) => moduleId.endsWith(path));
    return [...sorted.filter(long), ...sorted.filter((file) => !long(file))];
  }
}
