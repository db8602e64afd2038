import fc from 'fast-check';

/** Any single mutation of `bytes`: a bit turned, bytes cut, put in, appended, or two stretches exchanged. */
export function mutations(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const original = Buffer.from(bytes);
  const position = fc.nat({ max: Math.max(0, original.length - 1) });
  return fc
    .oneof(
      fc.tuple(position, fc.nat({ max: 7 })).map(([at, bit]) => {
        const changed = Buffer.from(original);
        changed[at] = changed[at]! ^ (1 << bit);
        return changed;
      }),
      fc
        .tuple(position, position)
        .map(([a, b]) => Buffer.concat([original.subarray(0, a), original.subarray(b + 1)])),
      fc
        .tuple(position, fc.uint8Array({ minLength: 1, maxLength: 20 }))
        .map(([at, extra]) => Buffer.concat([original.subarray(0, at), extra, original.subarray(at)])),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((extra) => Buffer.concat([original, extra])),
      fc.tuple(position, position).map(([a, b]) => {
        const changed = Buffer.from(original);
        changed[a] = original[b]!;
        changed[b] = original[a]!;
        return changed;
      }),
    )
    .filter((changed) => !original.equals(changed));
}

/** The same of a text that is written in base64url and dots. */
export function textMutations(text: string): fc.Arbitrary<string> {
  const symbols = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u0000é'];
  const position = fc.nat({ max: text.length - 1 });
  const symbol = fc.constantFrom(...symbols);
  return fc
    .oneof(
      fc.tuple(position, symbol).map(([at, put]) => text.slice(0, at) + put + text.slice(at + 1)),
      fc.tuple(position, symbol).map(([at, put]) => text.slice(0, at) + put + text.slice(at)),
      fc.tuple(position, position).map(([a, b]) => text.slice(0, a) + text.slice(b + 1)),
      fc.string({ minLength: 1, maxLength: 8 }).map((extra) => text + extra),
    )
    .filter((changed) => changed !== text);
}
