/** What was probably meant. */

/** Those that differ from `typed` in the fewest letters, nearest first; none where all are far off. */
export const nearest = (typed: string, candidates: Iterable<string>, most = 3): string[] => {
  const wanted = typed.toLowerCase();
  const ranked: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    const distance = lower.startsWith(wanted) && wanted.length >= 2 ? 0.5 : editDistance(wanted, lower);
    if (distance <= Math.max(1, Math.floor(Math.max(wanted.length, lower.length) / 3)))
      ranked.push({ candidate, distance });
  }
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0]?.distance ?? 0;
  return ranked
    .filter(({ distance }) => distance <= best + 0.5)
    .slice(0, most)
    .map(({ candidate }) => candidate);
};

/** Letters changed, added, left out or swapped with their neighbour (optimal string alignment). */
export const editDistance = (a: string, b: string): number => {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      next[j] = cost;
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
};
