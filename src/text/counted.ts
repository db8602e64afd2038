/** `ada ×2, bob`: each name once, with how often it is there. */
export const counted = (names: readonly string[]): string =>
  [...Map.groupBy(names, (name) => name)]
    .map(([name, { length }]) => (length === 1 ? name : `${name} ×${length}`))
    .join(', ');
