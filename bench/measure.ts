/** Measuring on a machine that is never quiet: in turns, many times, and the median counts. */

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => percentile(values, 0.5);

type Subject = () => number | readonly number[] | Promise<number | readonly number[]>;

/** Runs all subjects in each round, in another order each time, so that what disturbs the machine disturbs them all. */
export const inTurns = async <K extends string>(
  rounds: number,
  subjects: Readonly<Record<K, Subject>>,
): Promise<Record<K, number[]>> => {
  const names = Object.keys(subjects) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const value = await subjects[name]();
      values[name].push(...(typeof value === 'number' ? [value] : value));
    }
  }
  return values;
};

/** Milliseconds that `work` takes. */
export const timed = async (work: () => unknown): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};

/** How often a second `work` was done when `count` of it took that long. */
export const rate = async (count: number, work: () => unknown): Promise<number> =>
  (count * 1_000) / (await timed(work));
